// client.mjs WORK AMOUNT PORT [HOST:PORT of a proxy, or `env`]: does the work against the server on that port of loopback, through a tunnel (CONNECT) if
// there is a proxy, and writes how many milliseconds it took. It speaks HTTP by hand, so that the client costs little beside what it measures.
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';

const [work, amount, port, proxyArgument] = process.argv.slice(2);
const target = `localhost:${port}`;
const proxy = proxyOf(proxyArgument === 'env' ? (process.env.HTTPS_PROXY ?? process.env.https_proxy) : proxyArgument);

/** A proxy as a URL or as HOST:PORT. */
function proxyOf(text) {
  if (text === undefined) return undefined;
  const url = new URL(text.includes('://') ? text : `http://${text}`);
  const user = url.username && Buffer.from(`${url.username}:${decodeURIComponent(url.password)}`).toString('base64');
  return { host: url.hostname, port: Number(url.port), head: user ? `Proxy-Authorization: Basic ${user}\r\n` : '' };
}

/** A connection to the server with a reader of one answer at a time. */
const open = () =>
  new Promise((resolve, reject) => {
    const socket = connect(proxy ? { host: proxy.host, port: proxy.port } : { host: '127.0.0.1', port: Number(port) });
    socket.setNoDelay(true);
    let [head, left, done, fail, check] = ['', -1, undefined, reject, undefined];
    socket.on('error', (error) => fail(error)).on('close', () => fail(new Error('the connection was closed')));
    socket.on('data', (bytes) => {
      let rest = bytes;
      if (left < 0) {
        head += bytes.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!/^HTTP\/1\.[01] 200/.test(head)) return fail(new Error(head.slice(0, 200)));
        left = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
        rest = bytes.subarray(bytes.length - (head.length - end - 4));
        head = '';
      }
      left -= rest.length;
      if (rest.length > 0) check?.(rest);
      if (left === 0) {
        left = -1;
        done();
      }
    });
    const ask = (text) =>
      new Promise((resolved, rejected) => {
        [done, fail] = [resolved, rejected];
        socket.write(text);
      });
    const get = (bytes) => ask(`GET /${bytes} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    /** sends these bytes and has them sent back, or fails */
    const echo = async (content) => {
      let at = 0;
      check = (bytes) => {
        if (bytes.compare(content, at, at + bytes.length) !== 0) fail(new Error('other bytes came back'));
        at += bytes.length;
      };
      const head = `POST / HTTP/1.1\r\nHost: ${target}\r\nContent-Length: ${content.length}\r\n\r\n`;
      const answered = ask(head);
      socket.write(content);
      await answered;
      check = undefined;
      if (at !== content.length) throw new Error(`${at} of ${content.length} bytes came back`);
    };
    const opened = { get, echo, close: () => socket.destroy() };
    socket.once('connect', () => {
      if (proxy === undefined) return resolve(opened);
      ask(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${proxy.head}\r\n`).then(() => resolve(opened), reject);
    });
  });

const works = {
  /** so many MiB over one connection */
  bulk: async (megabytes) => {
    const connection = await open();
    await connection.get(megabytes << 20);
    connection.close();
  },
  /** so many requests after another over one connection */
  requests: async (count) => {
    const connection = await open();
    for (let index = 0; index < count; index++) await connection.get(100);
    connection.close();
  },
  /** 20,000 requests over so many connections at once, which are open already */
  load: async (count) => {
    const all = await Promise.all(Array.from({ length: count }, open));
    const began = performance.now();
    const ask = async (connection) => {
      for (let index = 0; index < 20_000 / count; index++) await connection.get(100);
    };
    await Promise.all(all.map(ask));
    return performance.now() - began;
  },
  /** so many connections after another, each up to the first byte of an answer */
  connections: async (count) => {
    for (let index = 0; index < count; index++) {
      const connection = await open();
      await connection.get(1);
      connection.close();
    }
  },
  /** so many connections at once, opened first, then ten requests on each; again and again until there were 200 connections */
  concurrent: async (count) => {
    const ask = async (connection) => {
      for (let index = 0; index < 10; index++) await connection.get(100);
      connection.close();
    };
    for (let done = 0; done < 200; done += count) {
      const all = await Promise.all(Array.from({ length: count }, open));
      await Promise.all(all.map(ask));
    }
  },
  /** so many tunnels at once, each of which carries a MiB of its own bytes both ways at the same time */
  tunnels: async (count) => {
    const all = await Promise.all(Array.from({ length: count }, open));
    await Promise.all(all.map((connection, index) => connection.echo(Buffer.alloc(1 << 20, `${index} of them, `))));
    for (const { close } of all) close();
  },
};

if (work !== 'bulk' && work !== 'tunnels') await works.connections(20); // the code is compiled before the clock starts
const started = performance.now();
const own = await works[work](Number(amount));
console.log(own ?? performance.now() - started);
// whoever measures the launcher looks at it now
if (work === 'tunnels') await new Promise((resolve) => process.stdin.on('end', resolve).resume());
process.exit(0);
