// An HTTPS server on loopback for the bench, by the names of its arguments. /N answers with N bytes, /events with an event at once and the end of the
// answer 200 ms later. Writes its port, its authority's certificate into the file that the first argument names, and ends with its input.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { openAuthority } from '../../src/egress/tls/authority.ts';

const [file = '', ...names] = process.argv.slice(2);
const authority = openAuthority({ hosts: names });
writeFileSync(file, authority.certificatePem);
const server = createServer(
  { SNICallback: (name, done) => done(null, authority.contextFor(name)) },
  (request, response) => {
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
      setTimeout(() => response.end('data: last\n\n'), 200);
      return;
    }
    response.end(Buffer.alloc(Number(request.url?.slice(1)) || 0, 'x'));
  },
);
server.keepAliveTimeout = 60_000;
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log((server.address() as AddressInfo).port));
process.stdin.on('end', () => process.exit(0)).resume();
