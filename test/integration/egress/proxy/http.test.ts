import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { cut } from '../../../../src/egress/proxy/tunnel.ts';
import { converse, listening, openServer, openTestProxy, readUntil, viaProxy } from '../../../support/proxy.ts';

/** Answers with what it was asked, its body as the last line. */
const mirror = (request: IncomingMessage, response: ServerResponse): void => {
  const parts: Buffer[] = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const fields = request.rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\n`)).join('');
    response.setHeader('X-Host', request.headers.host ?? '');
    response.end(
      `${request.method} ${request.url}\n${fields}\n${Buffer.concat(parts)}${JSON.stringify(request.trailers)}`,
    );
  });
};

const openMirror = () => listening(createServer({ requireHostHeader: false }, mirror));

const ask = async (text: string, changes: { allow?: string } = {}): Promise<string> => {
  await using server = await openMirror();
  await using setUp = await openTestProxy({ [changes.allow ?? 'a.test:80']: server.port });
  return await converse(await setUp.connectTo(viaProxy), text);
};

const fieldsOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n'));

test('a request goes on in origin form, with the Host of its target', async () => {
  const answer = await ask('GET http://A.test/x?y HTTP/1.1\r\nHost: a.TEST\r\nX-One: 1\r\nConnection: close\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  expect(fieldsOf(answer)).toMatch(/GET \/x\?y\nHost: a.test\nX-One: 1\n/);
});

test('fields of the connection to the proxy stay behind', async () => {
  const answer = await ask(
    'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic eDp5\r\nProxy-Connection: close\r\nX-Hop: 1\r\nTE: gzip\r\nConnection: close, x-hop\r\n\r\n',
  );
  expect(fieldsOf(answer)).not.toMatch(/proxy-|x-hop|TE:/i);
});

test('a refused host is told in a header and a sentence', async () => {
  await using setUp = await openTestProxy({ 'a.test:80': 1 });
  const answer = await converse(
    await setUp.connectTo(viaProxy),
    'GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n',
  );
  expect(answer).toMatch(/^HTTP\/1.1 403 /);
  expect(answer).toMatch(/\r\nx-sbox-decision: deny; reason=not-allowed\r\n/);
  expect(answer).toMatch(/\r\ncontent-type: text\/plain/);
  expect(answer).toMatch(/b\.test:80 is not allowed \(to allow it: --allow b\.test\)\n$/);
  const event = await setUp.event(({ decision }) => decision.host === 'b.test');
  expect(event).toMatchObject({ decision: { verdict: 'deny', protocol: 'http' }, bytesOut: 0, bytesIn: 0 });
});

test('each request of a kept connection is decided by itself', async () => {
  await using server = await openMirror();
  await using setUp = await openTestProxy({ 'a.test:80': server.port });
  const client = await setUp.connectTo(viaProxy);
  client.write('GET http://a.test/1 HTTP/1.1\r\nHost: a.test\r\n\r\n');
  expect(await readUntil(client, 'GET /1')).toMatch(/ 200 /);
  client.write('GET http://b.test/2 HTTP/1.1\r\nHost: b.test\r\n\r\n');
  expect(await readUntil(client, 'is not allowed')).toMatch(/ 403 /);
  client.write('GET http://a.test/3 HTTP/1.1\r\nHost: a.test\r\n\r\n');
  expect(await readUntil(client, 'GET /3')).toMatch(/ 200 /);
  client.destroy();
  expect(server.sockets.length).toBe(1);
});

test('a connection that the host closed meanwhile is not felt', async () => {
  await using server = await listening(createServer({ keepAliveTimeout: 1 }, mirror));
  await using setUp = await openTestProxy({ 'a.test:80': server.port });
  for (let left = 3; left > 0; left -= 1) {
    const client = await setUp.connectTo(viaProxy);
    expect(await converse(client, 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')).toMatch(
      / 200 /,
    );
    server.sockets.at(-1)?.destroy();
  }
});

test('bodies with a length, in chunks with trailers, and after 100 Continue arrive whole', async () => {
  const head = 'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n';
  expect(await ask(`${head}Content-Length: 5\r\n\r\nhello`)).toMatch(/\n\nhello\{\}/);
  expect(
    await ask(
      `${head}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 7\r\n\r\n`,
    ),
  ).toMatch(/\n\nhello\{"x-sum":"7"\}/);
  expect(await ask(`${head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello`)).toMatch(
    /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /,
  );
});

test('a GET that hides its framing from the proxy is framed all the same', async () => {
  const answer = await ask(
    'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nConnection: close, content-length\r\n\r\nhello',
  );
  expect(answer).toMatch(/\n\nhello\{\}/);
});

test('answers are streamed: the first part arrives while the host holds the rest', async () => {
  let finish = (): void => {};
  await using server = await listening(
    createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', Trailer: 'X-Sum' });
      response.write('data: 1\n\n');
      finish = () => {
        response.addTrailers({ 'X-Sum': '9' });
        response.end('data: 2\n\n');
      };
    }),
  );
  await using setUp = await openTestProxy({ 'a.test:80': server.port });
  const client = await setUp.connectTo(viaProxy);
  client.write('GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n');
  expect(await readUntil(client, 'data: 1')).not.toContain('data: 2');
  finish();
  expect(await readUntil(client, 'X-Sum: 9\r\n')).toMatch(/data: 2\n\n\r\n0\r\nX-Sum: 9\r\n/);
  client.destroy();
});

test('an answer that breaks off does not look complete', async () => {
  await using server = await openServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort', () => cut(socket)));
  });
  await using setUp = await openTestProxy({ 'a.test:80': server.port });
  const socket = await setUp.connectTo(viaProxy);
  const answer = await converse(socket, 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n');
  expect(answer).toMatch(/content-length: 100\r\n/i);
  expect(answer).not.toMatch(/\n0\r\n/);
});

test('a host that can not be reached is told as 502', async () => {
  await using setUp = await openTestProxy({ 'a.test:80': 1 });
  const answer = await converse(
    await setUp.connectTo(viaProxy),
    'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n',
  );
  expect(answer).toMatch(/^HTTP\/1.1 502 [\s\S]*cannot reach a\.test:80: .*\(ECONNREFUSED\)\n$/);
  expect(await setUp.event(({ error }) => error !== undefined)).toMatchObject({ error: 'ECONNREFUSED' });
});

describe('refused before anything goes out', () => {
  const head = 'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n';
  test.each([
    ['two lengths', `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
    ['two equal lengths', `${head}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    ['a list of lengths', `${head}Content-Length: 5, 5\r\n\r\nhello`],
    ['a length with a sign', `${head}Content-Length: +5\r\n\r\nhello`],
    ['a length and chunks', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks and a length', `${head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`],
    ['another coding', `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['chunked twice', `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a hidden coding', `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['a blank before the colon', `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
    ['a folded line', `${head}X-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n`],
    ['a bare LF in the head', `${head}X-A: 1\nX-B: 2\r\n\r\n`],
    ['a bare CR in a value', `${head}X-A: 1\rX-B: 2\r\n\r\n`],
    ['a NUL in a value', `${head}X-A: 1\0\r\n\r\n`],
    ['another Host', 'GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n'],
    ['another port in Host', 'GET http://a.test/ HTTP/1.1\r\nHost: a.test:81\r\n\r\n'],
    ['two Hosts', 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n'],
    ['no Host', 'GET http://a.test/ HTTP/1.1\r\n\r\n'],
    ['a user name', 'GET http://a.test@b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n'],
    ['origin form', 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'],
    ['https in absolute form', 'GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n'],
    ['no HTTP', 'hello\r\n\r\n'],
  ])('%s', async (_what, text) => {
    await using server = await openMirror();
    await using setUp = await openTestProxy({ 'a.test:80': server.port });
    const client = await setUp.connectTo(viaProxy);
    client.write(text);
    expect(await readUntil(client, '\n\r\n')).toMatch(/^HTTP\/1.1 (400|403) /);
    client.destroy();
    expect(setUp.egress.dialled).toEqual([]);
  });
});

test('a chunk that lies about its size does not become a second request', async () => {
  const seen: string[] = [];
  await using server = await listening(
    createServer((request, response) => {
      seen.push(request.url ?? '');
      request.resume().on('end', () => response.end());
    }),
  );
  await using setUp = await openTestProxy({ 'a.test:80': server.port });
  const client = await setUp.connectTo(viaProxy);
  await converse(
    client,
    'POST http://a.test/1 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n0\r\n\r\n',
  );
  expect(seen.filter((url) => url !== '/1')).toEqual([]);
});

const openSwitching = () =>
  openServer((socket) => {
    socket.once('data', (head) => {
      const isWanted =
        /\r\nupgrade: websocket\r\n/i.test(head.toString()) && /\r\nconnection: upgrade\r\n/i.test(head.toString());
      if (!isWanted) return socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno');
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n',
      );
      socket.pipe(socket);
    });
  });

const upgradeTo = (protocol: string) =>
  `GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Key: x\r\n\r\n`;

test('a WebSocket passes both ways, and what was sent early is kept', async () => {
  await using server = await openSwitching();
  await using setUp = await openTestProxy({ 'a.test:80': server.port });
  const client = await setUp.connectTo(viaProxy);
  client.write(`${upgradeTo('websocket')}\x81\x01a`, 'latin1');
  const answer = await readUntil(client, '\x01a');
  expect(answer).toMatch(/^HTTP\/1.1 101 /);
  expect(answer).toContain('\r\nSec-WebSocket-Accept: x\r\n');
  expect(answer.endsWith('\r\n\r\n\x81\x01a')).toBe(true);
  client.write('\x81\x01b', 'latin1');
  expect(await readUntil(client, '\x01b')).toBe('\x81\x01b');
  client.end();
  expect(await setUp.event(({ bytesIn }) => bytesIn > 0)).toMatchObject({ decision: { verdict: 'allow' } });
});

test('a host that does not change the protocol answers as usual', async () => {
  await using server = await openSwitching();
  await using setUp = await openTestProxy({ 'a.test:80': server.port, 'c.test:80': 1 });
  expect(await converse(await setUp.connectTo(viaProxy), upgradeTo('tls/1.0'))).toMatch(
    /^HTTP\/1.1 426 [\s\S]*\r\n\r\nno$/,
  );
  const refused = upgradeTo('websocket').replaceAll('a.test', 'b.test');
  expect(await converse(await setUp.connectTo(viaProxy), refused)).toMatch(/^HTTP\/1.1 403 /);
  const dead = upgradeTo('websocket').replaceAll('a.test', 'c.test');
  expect(await converse(await setUp.connectTo(viaProxy), dead)).toMatch(/^HTTP\/1.1 502 /);
});

test('the wish for HTTP/2 without TLS is passed over, the request is served, the connection kept', async () => {
  await using server = await openMirror();
  await using setUp = await openTestProxy({ 'a.test:80': server.port });
  const client = await setUp.connectTo(viaProxy);
  const wish = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
  for (const body of ['hello', 'again']) {
    client.write(`POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n${wish}Content-Length: 5\r\n\r\n${body}`);
    const answer = await readUntil(client, `${body}{}`);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer).not.toMatch(/h2c|http2-settings/i);
  }
  client.write(`GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n${wish}\r\n`);
  expect(await readUntil(client, '{}')).not.toMatch(/h2c|http2-settings/i);
  client.destroy();
});

test('a client that ends its half after the request gets the answer', async () => {
  await using server = await openMirror();
  await using setUp = await openTestProxy({ 'a.test:80': server.port });
  const client = await setUp.connectTo(viaProxy);
  client.end('GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n');
  expect(await readUntil(client, 'GET /')).toMatch(/ 200 /);
  client.destroy();
});
