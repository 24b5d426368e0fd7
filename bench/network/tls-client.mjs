// tls-client.mjs HOST WARM: asks HOST over TLS, as a client that knows of no proxy, and writes milliseconds as JSON: of the first request on the first
// connection (`first`), of 500 requests over it (`p50`, `p99`), and of the first byte of an answer that takes 200 ms (`event`). WARM is a host that is asked
// before, so that `first` is of a new host rather than of a new process. BENCH_KEY is sent as a bearer token.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { performance } from 'node:perf_hooks';

const [host, warm] = process.argv.slice(2);
// the launcher's certificate arrives by a variable, the server's own in this folder
const ca = process.env.NODE_EXTRA_CA_CERTS ? undefined : readFileSync('authority.pem');
const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
const headers = { authorization: `Bearer ${process.env.BENCH_KEY}` };

/** From the request to the first byte of its answer; resolves at the end of that. */
const ask = (name, path) =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    request({ host: name, path, agent, headers }, (response) => {
      let first;
      response.on('data', () => (first ??= performance.now() - started));
      response.on('end', () =>
        response.statusCode === 200 ? resolve(first) : reject(new Error(`status ${response.statusCode}`)),
      );
    })
      .on('error', reject)
      .end();
  });

for (let index = 0; index < 50; index++) await ask(warm, '/100'); // the code is compiled before the clock starts
const first = await ask(host, '/100');
const times = [];
for (let index = 0; index < 500; index++) times.push(await ask(host, '/100'));
times.sort((a, b) => a - b);
const events = [];
for (let index = 0; index < 3; index++) events.push(await ask(host, '/events'));
events.sort((a, b) => a - b);
console.log(JSON.stringify({ first, p50: times[250], p99: times[495], event: events[1] }));
process.exit(0);
