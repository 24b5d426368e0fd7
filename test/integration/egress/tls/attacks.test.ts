import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ask, ask2, talk } from '../../../support/tls-clients.ts';
import { aBinding, host, openPeers, type Peers, secretText } from '../../../support/tls-peers.ts';
import { frame, payloadsOf } from '../../../support/websocket-frames.ts';

/** Shows that the secret is really in use: without that, an attack fails for no reason. */
const control = async (peers: Peers): Promise<void> => {
  const before = peers.received.length;
  const answer = await ask(await peers.connect(), host, { headers: { 'x-api-key': peers.placeholder } });
  expect(answer.status).toBe(200);
  expect(peers.received.slice(before).map(({ headers }) => headers['x-api-key'])).toEqual([secretText]);
};

const ok: RequestListener = (_request, response) => void response.end('ok');
const keyOf = (request: IncomingMessage): string => String(request.headers['x-api-key'] ?? '');
/** Nothing of the secret is in it; what would have been it is the placeholder, `times` times. */
const expectPlaceholder = (text: string, { placeholder }: Peers, times: number): void => {
  expect(text).not.toContain(secretText);
  expect(text.split(placeholder).length - 1).toBe(times);
};

describe('an echo of the secret comes back as the placeholder:', () => {
  const echoes: [string, (key: string) => { body: Buffer; encoding?: string; pieces?: number }][] = [
    ['plain', (key) => ({ body: Buffer.from(`a ${key} b`) })],
    ['gzip, though identity was asked for', (key) => ({ body: gzipSync(`a ${key} b`), encoding: 'gzip' })],
    ['x-gzip', (key) => ({ body: gzipSync(`a ${key} b`), encoding: 'x-gzip' })],
    ['deflate', (key) => ({ body: deflateSync(`a ${key} b`), encoding: 'deflate' })],
    ['brotli', (key) => ({ body: brotliCompressSync(`a ${key} b`), encoding: 'br' })],
    ['packed twice', (key) => ({ body: gzipSync(brotliCompressSync(`a ${key} b`)), encoding: 'br, gzip' })],
    ['split byte by byte', (key) => ({ body: Buffer.from(`a ${key} b`), pieces: 1 })],
    ['split in sevens', (key) => ({ body: Buffer.from(`a ${key} b`), pieces: 7 })],
    ['packed and split', (key) => ({ body: gzipSync(`a ${key} b`), encoding: 'gzip', pieces: 5 })],
  ];
  test.each(echoes)('%s', async (_, make) => {
    await using peers = await openPeers(async (request, response) => {
      const { body, encoding, pieces = body.length } = make(keyOf(request));
      if (encoding !== undefined) response.setHeader('content-encoding', encoding);
      for (let at = 0; at < body.length; at += pieces) {
        response.write(body.subarray(at, at + pieces));
        await new Promise(setImmediate);
      }
      response.end();
    });
    const headers = { 'x-api-key': peers.placeholder, 'accept-encoding': 'gzip, br, zstd' };
    const answer = await ask(await peers.connect(), host, { headers });
    expect(answer.body.toString()).toBe(`a ${peers.placeholder} b`);
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(peers.received[0]?.headers['accept-encoding']).toBe('identity');
    await control(peers);
  });

  test('in headers, also in one’s name, in Location, and as the base64 of Basic', async () => {
    await using peers = await openPeers((request, response) => {
      const sent = request.headers.authorization ?? '';
      response.setHeader('x-echo', sent);
      response.setHeader(`x-${secretText}`, '1');
      response.setHeader('set-cookie', 'session=1');
      response.writeHead(302, { location: `https://evil.test/?k=${encodeURIComponent(secretText)}` }).end(sent);
    });
    const basic = (text: string) => `Basic ${Buffer.from(`user:${text}`).toString('base64')}`;
    const answer = await ask(await peers.connect(), host, { headers: { authorization: basic(peers.placeholder) } });
    expect(peers.received[0]?.headers.authorization).toBe(basic(secretText));
    expect(answer.headers).toMatchObject({
      'x-echo': basic(peers.placeholder),
      location: `https://evil.test/?k=${peers.placeholder}`,
    });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.body.toString()).toBe(basic(peers.placeholder));
    expect(JSON.stringify(answer.headers).toLowerCase()).not.toContain(secretText.toLowerCase());
  });

  test('in trailers, the reason phrase and an error page', async () => {
    await using peers = await openPeers((request, response) => {
      response.writeHead(401, `no ${keyOf(request)}`, { trailer: 'x-end', 'transfer-encoding': 'chunked' });
      response.write(`bad key ${keyOf(request)}`);
      response.addTrailers({ 'x-end': keyOf(request) });
      response.end();
    });
    const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nx-api-key: ${peers.placeholder}\r\nConnection: close\r\n\r\n`;
    const text = await talk(await peers.connect(), request);
    expect(text).toContain('HTTP/1.1 401');
    expectPlaceholder(text, peers, 2);
    expect(peers.received[0]?.headers['x-api-key']).toBe(secretText);
  });

  test('over HTTP/2, in headers, body and trailers', async () => {
    await using peers = await openPeers((request, response) => {
      response.writeHead(200, { 'x-echo': keyOf(request), trailer: 'x-end', 'content-encoding': 'gzip' });
      response.write(gzipSync(keyOf(request)));
      response.addTrailers({ 'x-end': keyOf(request) });
      response.end();
    });
    const socket = await peers.connect({ alpn: ['h2'] });
    const answer = await ask2(socket, host, { headers: { 'x-api-key': peers.placeholder } });
    expect(peers.received[0]?.headers['x-api-key']).toBe(secretText);
    expect(answer.body.toString()).toBe(peers.placeholder);
    expect(answer.headers['x-echo']).toBe(peers.placeholder);
    expect(answer.trailers['x-end']).toBe(peers.placeholder);
  });

  test('in a part that was asked for with Range: the whole comes instead', async () => {
    await using peers = await openPeers((request, response) => {
      const range = /bytes=(\d+)-(\d+)/.exec(String(request.headers.range ?? ''));
      const body = keyOf(request);
      response.end(range ? body.slice(Number(range[1]), Number(range[2]) + 1) : body);
    });
    const headers = { 'x-api-key': peers.placeholder, range: 'bytes=0-20' };
    expect((await ask(await peers.connect(), host, { headers })).body.toString()).toBe(peers.placeholder);
  });

  test.each<[string, Record<string, string>, (key: string) => Buffer]>([
    ['an unknown encoding', { 'content-encoding': 'secret-packing' }, (key) => Buffer.from(key)],
    // nothing of Node undoes a transfer coding but chunks (RFC 9112, 7)
    ['a packed transfer', { 'transfer-encoding': 'gzip, chunked' }, (key) => gzipSync(key)],
    ['another order', { 'transfer-encoding': 'chunked, gzip' }, (key) => gzipSync(key)],
  ])('an answer that can’t be searched does not come in: %s', async (_, encoding, pack) => {
    await using peers = await openPeers((request, response) => {
      response.writeHead(200, encoding).end(pack(keyOf(request)));
    });
    const headers = { 'x-api-key': peers.placeholder };
    const answer = await ask(await peers.connect(), host, { headers });
    expect(answer.status).toBe(502);
    expect(answer.body.toString()).toContain('search');
    expect(peers.received[0]?.headers['x-api-key']).toBe(secretText);
  });
});

describe('a placeholder where it must not be is refused and told, and nothing leaves:', () => {
  test.each<[string, Parameters<typeof ask>[2]]>([
    ['in the address', { path: '/?x=PLACEHOLDER' }],
    ['in another header', { headers: { 'x-other': 'PLACEHOLDER' } }],
    ['in a body', { method: 'POST', body: '{"a":"PLACEHOLDER"}' }],
    ['in base64 in a body', { method: 'POST', body: 'BASE64' }],
    ['in a cookie', { headers: { cookie: 'a=PLACEHOLDER' } }],
  ])('%s', async (_, asked = {}) => {
    await using peers = await openPeers(ok);
    const base64 = Buffer.from(`x${peers.placeholder}`).toString('base64');
    const filled = JSON.parse(
      JSON.stringify(asked).replaceAll('PLACEHOLDER', peers.placeholder).replaceAll('BASE64', base64),
    );
    const answer = await ask(await peers.connect(), host, filled);
    expect(answer.status).toBe(403);
    expect(answer.headers['x-sbox-decision']).toBe('deny; reason=placeholder');
    expect(peers.received).toEqual([]);
    expect(peers.events.map(({ decision }) => decision.reason)).toContain('placeholder');
    expect(JSON.stringify(peers.events)).not.toContain(peers.placeholder);
    await control(peers);
  });

  test('in a large body that is passed on as it comes: the request is broken off', async () => {
    let complete = 0;
    await using peers = await openPeers((request, response) => {
      request.on('error', () => {});
      request.resume().on('end', () => {
        complete++;
        response.end('ok');
      });
    });
    const body = Buffer.concat([
      Buffer.alloc(3_000_000, 'x'),
      Buffer.from(peers.placeholder),
      Buffer.alloc(1_000_000, 'y'),
    ]);
    const answer = await ask(await peers.connect(), host, { method: 'POST', body });
    expect(answer.status).toBe(403);
    expect(complete).toBe(0);
    await control(peers);
  });

  test('in a body over HTTP/2', async () => {
    await using peers = await openPeers(ok);
    const answer = await ask2(await peers.connect({ alpn: ['h2'] }), host, { method: 'POST', body: peers.placeholder });
    expect(answer.status).toBe(403);
    expect(peers.received).toEqual([]);
  });

  test('in the trailers of a request: they are not passed on', async () => {
    await using peers = await openPeers((request, response) => {
      request.resume().on('end', () => response.end(JSON.stringify(request.trailers)));
    });
    const request = `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\nx: ${peers.placeholder}\r\n\r\n`;
    const text = await talk(await peers.connect(), request);
    expect(text).toContain('200');
    expect(peers.received[0]?.trailers).toEqual({});
  });
});

describe('another credential than the placeholder never leaves:', () => {
  test.each(['authorization', 'x-api-key', 'x-goog-api-key', 'proxy-authorization', 'cookie'])('%s', async (name) => {
    await using peers = await openPeers(ok);
    const headers = { [name]: 'Bearer of-somebody-else', 'x-plain': '1' };
    expect((await ask(await peers.connect(), host, { headers })).status).toBe(200);
    expect(peers.received[0]?.headers[name]).toBeUndefined();
    expect(peers.received[0]?.headers['x-plain']).toBe('1');
    await control(peers);
  });

  test('not even when Connection names the real one', async () => {
    await using peers = await openPeers(ok);
    const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close, x-plain\r\nX-Plain: 1\r\n\r\n`;
    await talk(await peers.connect(), request);
    expect(peers.received[0]?.headers['x-plain']).toBeUndefined();
  });
});

describe('a request to another host than the connection leads to gets 421:', () => {
  test('another Host', async () => {
    await using peers = await openPeers(ok);
    const answer = await ask(await peers.connect(), 'evil.test', { headers: { 'x-api-key': peers.placeholder } });
    expect([answer.status, peers.received.length]).toEqual([421, 0]);
    expect(peers.events.map(({ decision }) => decision.reason)).toContain('name-mismatch');
    await control(peers);
  });

  test('another port', async () => {
    await using peers = await openPeers(ok);
    expect((await ask(await peers.connect(), `${host}:8443`)).status).toBe(421);
  });

  test('another :authority, and one that differs from host', async () => {
    await using peers = await openPeers(ok);
    const connect = () => peers.connect({ alpn: ['h2'] });
    expect((await ask2(await connect(), host, { pseudo: { ':authority': 'evil.test' } })).status).toBe(421);
    expect((await ask2(await connect(), host, { headers: { host: 'evil.test' } })).status).toBe(400);
    expect((await ask2(await connect(), host)).status).toBe(200);
    expect(peers.received).toHaveLength(1);
  });

  test('another TLS server name', async () => {
    await using peers = await openPeers(ok);
    const { connect } = await import('node:tls');
    const socket = connect({
      port: peers.port,
      host: '127.0.0.1',
      servername: 'other.test',
      rejectUnauthorized: false,
    });
    const answer = await ask(socket, host, { headers: { 'x-api-key': peers.placeholder } });
    expect([answer.status, peers.received.length]).toEqual([421, 0]);
    await control(peers);
  });

  test('no TLS server name', async () => {
    await using peers = await openPeers(ok);
    const { connect } = await import('node:tls');
    const socket = connect({ port: peers.port, host: '127.0.0.1', servername: '', rejectUnauthorized: false });
    expect((await ask(socket, host)).status).toBe(421);
  });
});

describe('the secret goes to nobody but the real host:', () => {
  test.each([
    ['a server with a certificate of another name', { certified: 'evil.test' }],
    ['a server with an unknown authority', { trustsReal: false }],
  ])('%s', async (_, options) => {
    await using peers = await openPeers(ok, options);
    const answer = await ask(await peers.connect(), host, { headers: { 'x-api-key': peers.placeholder } });
    expect(answer.status).toBe(502);
    expect(answer.body.toString()).toContain('not trusted');
    expect(peers.received).toEqual([]);
  });

  test('a redirect is the client’s business', async () => {
    await using peers = await openPeers((_request, response) => {
      response.writeHead(307, { location: 'https://evil.test/' }).end();
    });
    const answer = await ask(await peers.connect(), host, { headers: { 'x-api-key': peers.placeholder } });
    expect([answer.status, answer.headers.location, peers.received.length]).toEqual([307, 'https://evil.test/', 1]);
    expect(peers.connections()).toBe(1);
  });

  test('plain HTTP on the TLS port', async () => {
    await using peers = await openPeers(ok);
    const { connect } = await import('node:net');
    const socket = connect(peers.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nx-api-key: ${peers.placeholder}\r\n\r\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(peers.received).toEqual([]);
    await control(peers);
  });

  test('a host that the secret is not bound to', async () => {
    const other = aBinding({ hosts: ['other.test'] });
    await using peers = await openPeers(ok, { bindings: [other, aBinding({}, 'sk-another-secret-000000000001')] });
    const answer = await ask(await peers.connect(), host, { headers: { 'x-api-key': other.placeholder } });
    expect([answer.status, peers.received.length]).toEqual([403, 0]);
  });
});

describe('what two readers could take for different requests never leaves:', () => {
  const head = `Host: ${host}`;
  test.each([
    ['two lengths', `POST / HTTP/1.1\r\n${head}\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nabcde`],
    ['a list of lengths', `POST / HTTP/1.1\r\n${head}\r\nContent-Length: 1, 5\r\n\r\nabcde`],
    [
      'length and chunks',
      `POST / HTTP/1.1\r\n${head}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n`,
    ],
    ['unknown transfer coding', `POST / HTTP/1.1\r\n${head}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['a signed length', `POST / HTTP/1.1\r\n${head}\r\nContent-Length: +3\r\n\r\nabc`],
    ['a broken chunk', `POST / HTTP/1.1\r\n${head}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n`],
    ['a space before the colon', `GET / HTTP/1.1\r\n${head}\r\nX-Api-Key : 1\r\n\r\n`],
    ['absolute form to another host', `GET https://evil.test/ HTTP/1.1\r\n${head}\r\n\r\n`],
    ['absolute form to the same host', `GET https://${host}/ HTTP/1.1\r\n${head}\r\n\r\n`],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two Hosts', `GET / HTTP/1.1\r\n${head}\r\nHost: evil.test\r\n\r\n`],
    ['a NUL in a header', `GET / HTTP/1.1\r\n${head}\r\nx: a\0b\r\n\r\n`],
    ['a bare CR in a header', `GET / HTTP/1.1\r\n${head}\r\nx: a\rX-Api-Key: b\r\n\r\n`],
    ['HTTP/0.9', 'GET /\r\n\r\n'],
    ['CONNECT', `CONNECT evil.test:443 HTTP/1.1\r\n${head}\r\n\r\n`],
    ['TRACE', `TRACE / HTTP/1.1\r\n${head}\r\n\r\n`],
    ['an upgrade to h2c', `GET / HTTP/1.1\r\n${head}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`],
  ])('%s', async (_, request) => {
    await using peers = await openPeers(ok);
    const socket = await peers.connect();
    const text = await talk(socket, request, /HTTP\/1\.1 \d+/);
    socket.destroy();
    expect(text).not.toContain('HTTP/1.1 200');
    // of a request that is broken in its body, the head may have left; it was never completed
    expect(peers.received.filter(({ complete }) => complete)).toEqual([]);
    await control(peers);
  });

  test('a folded header is one header or none: the placeholder in it is seen', async () => {
    await using peers = await openPeers(ok);
    const request = `GET / HTTP/1.1\r\n${head}\r\nx: a\r\n ${peers.placeholder}\r\n\r\n`;
    const socket = await peers.connect();
    expect(await talk(socket, request, /HTTP\/1\.1 \d+/)).toMatch(/HTTP\/1\.1 40[03]/);
    socket.destroy();
    expect(peers.received).toEqual([]);
    await control(peers);
  });

  test.each<[string, Record<string, string>]>([
    ['another scheme', { ':scheme': 'http' }],
    ['an absolute path', { ':path': 'https://evil.test/' }],
    ['a path with a line break', { ':path': '/\r\nx-api-key: y' }],
    ['a path with a space', { ':path': '/ HTTP/1.1' }],
    ['a method that is no token', { ':method': 'GET /x' }],
  ])('over HTTP/2: %s', async (_, pseudo) => {
    await using peers = await openPeers(ok);
    const socket = await peers.connect({ alpn: ['h2'] });
    const status = await ask2(socket, host, { pseudo }).then(
      (answer) => answer.status,
      () => 'refused',
    );
    expect(status).not.toBe(200);
    expect(peers.received).toEqual([]);
    await control(peers);
  });
});

describe('over a WebSocket', () => {
  const accept = (key = '') => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const onUpgrade = (seen: string[]) => (request: IncomingMessage, socket: Socket) => {
    const lines = ['HTTP/1.1 101 Switching Protocols', 'upgrade: websocket', 'connection: upgrade'];
    socket.write(
      `${[...lines, `sec-websocket-accept: ${accept(request.headers['sec-websocket-key'])}`].join('\r\n')}\r\n\r\n`,
    );
    const key = keyOf(request);
    seen.push(key, String(request.headers['sec-websocket-extensions']));
    socket.write(Buffer.concat([frame(key.slice(0, 20), { fin: false }), frame(key.slice(20), { opcode: 0 })]));
    socket.on('data', (bytes: Buffer) => seen.push(...payloadsOf(bytes)));
    socket.on('error', () => {});
  };
  const head = (placeholder: string): string =>
    `GET /live HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\nx-api-key: ${placeholder}\r\n\r\n`;

  test('the secret opens it, an echo of it over two frames is the placeholder', async () => {
    const seen: string[] = [];
    await using peers = await openPeers(ok, { onUpgrade: onUpgrade(seen) });
    const socket = await peers.connect();
    const [first = '', second = ''] = [peers.placeholder.slice(0, 20), peers.placeholder.slice(20)];
    const text = await talk(socket, head(peers.placeholder), new RegExp(second.slice(-8)));
    socket.destroy();
    expect(text).toContain('HTTP/1.1 101');
    expect(text).toContain(first);
    expect(text).not.toContain(secretText.slice(20));
    expect(seen).toEqual([secretText, 'undefined']);
  });

  test('it makes Node warn of nothing, which the command would see beside its own output', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on('warning', onWarning);
    await using peers = await openPeers(ok, { onUpgrade: onUpgrade([]) });
    const socket = await peers.connect();
    await talk(socket, head(peers.placeholder), new RegExp(peers.placeholder.slice(-8)));
    socket.destroy();
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  test('a placeholder in a message ends it, and is told', async () => {
    const seen: string[] = [];
    await using peers = await openPeers(ok, { onUpgrade: onUpgrade(seen) });
    const socket = await peers.connect();
    await talk(socket, head(peers.placeholder), /101/);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const mask = Buffer.from([1, 2, 3, 4]);
    socket.write(frame('plain', { mask }));
    socket.write(frame(`x ${peers.placeholder}`, { mask }));
    await closed;
    expect(seen).toContain('plain');
    expect(seen.some((text) => text.includes(peers.placeholder))).toBe(false);
    expect(peers.events.map(({ decision }) => decision.reason)).toContain('placeholder');
  });
});
