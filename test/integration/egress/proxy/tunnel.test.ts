import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Interceptor } from '../../../../src/egress/egress.ts';
import { cut } from '../../../../src/egress/proxy/tunnel.ts';
import { aClientHello, splitRecords } from '../../../support/client-hello.ts';
import {
  converse,
  listening,
  openEcho,
  openServer,
  openTestProxy,
  readAll,
  readUntil,
  straightTo,
  type TestProxy,
  viaProxy,
} from '../../../support/proxy.ts';
import { testSplicing } from '../../../support/splicing.ts';

const splicing = testSplicing();
const socksSuccess = '\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0';

/** The ways into a tunnel; each gives a connection whose next byte goes to the host. */
const ways: Readonly<Record<string, (setUp: TestProxy, host: string, port: number) => Promise<Socket>>> = {
  connect: async (setUp, host, port) => {
    const client = await setUp.connectTo(viaProxy);
    client.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
    expect(await readUntil(client, '\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /);
    return client;
  },
  socks5: async (setUp, host, port) => {
    const client = await setUp.connectTo(viaProxy);
    client.write(
      Buffer.concat([
        Buffer.from([5, 1, 0, 5, 1, 0, 3, host.length]),
        Buffer.from(host),
        Buffer.from([port >> 8, port & 255]),
      ]),
    );
    expect(await readUntil(client, socksSuccess)).toBe(socksSuccess);
    return client;
  },
  transparent: (setUp, host, port) => setUp.connectTo(straightTo(host, port)),
};

const eachWay = describe.each(Object.entries(ways));

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

eachWay('%s', (protocol, openWay) => {
  test('bytes pass both ways, and are counted', async () => {
    await using echo = await openEcho();
    await using setUp = await openTestProxy({ 'a.test:7': echo.port });
    const client = await openWay(setUp, 'A.test', 7);
    const sent = randomBytes(3_000_000);
    sent[0] = 0;
    const answer = readAll(client);
    client.end(sent);
    expect(sha(await answer)).toBe(sha(sent));
    const { bytesIn, bytesOut, decision } = await setUp.event(() => true);
    expect({ bytesIn, bytesOut, protocol: decision.protocol, host: decision.host }).toEqual({
      bytesIn: sent.length,
      bytesOut: sent.length,
      protocol,
      host: 'a.test',
    });
  });

  test('each half ends by itself', async () => {
    await using server = await openServer(async (socket) => {
      const question = await readAll(socket);
      socket.end(`got ${question}`);
    });
    await using setUp = await openTestProxy({ 'a.test:7': server.port });
    const client = await openWay(setUp, 'a.test', 7);
    const answer = readAll(client);
    client.end('*question\n');
    expect((await answer).toString()).toBe('got *question\n');
  });

  test('the half that the host ends leaves the other one open', async () => {
    let received: Promise<Buffer> = Promise.resolve(Buffer.alloc(0));
    await using server = await openServer((socket) => {
      received = readAll(socket);
      socket.end('bye');
    });
    await using setUp = await openTestProxy({ 'a.test:7': server.port });
    const client = await openWay(setUp, 'a.test', 7);
    expect((await readAll(client)).toString()).toBe('bye');
    client.end('*still here\n');
    await setUp.event(() => true);
    expect((await received).toString()).toBe('*still here\n');
  });

  test('a host that speaks first is heard at once', async () => {
    await using server = await openServer((socket) => {
      socket.write('220 hello\r\n');
      socket.pipe(socket);
    });
    await using setUp = await openTestProxy({ 'a.test:25': server.port });
    const client = await openWay(setUp, 'a.test', 25);
    expect(await readUntil(client, '\n')).toBe('220 hello\r\n');
    client.write('EHLO b.test\r\n');
    expect(await readUntil(client, '\n')).toBe('EHLO b.test\r\n');
    client.destroy();
  });

  test('a connection that the host cuts does not look complete', async () => {
    await using server = await openServer((socket) => void socket.once('data', () => socket.write('part')));
    await using setUp = await openTestProxy({ 'a.test:7': server.port });
    const client = await openWay(setUp, 'a.test', 7);
    client.write('*x\n');
    await readUntil(client, 'part');
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.resume();
    cut(server.sockets[0] ?? expect.fail());
    expect(await closed).toBe(true);
    expect(await setUp.event(() => true)).toMatchObject({ error: 'ECONNRESET' });
  });

  test('TLS to another name than the allowed one is cut, also when its hello comes in pieces', async () => {
    await using echo = await openEcho();
    await using setUp = await openTestProxy({ 'a.test:443': echo.port });
    for (const hello of [aClientHello('b.test'), splitRecords(aClientHello('b.test'), 9)]) {
      const client = await openWay(setUp, 'a.test', 443);
      expect(await converse(client, hello)).toBe('');
    }
    const refused = setUp.events.filter(({ decision }) => decision.verdict === 'deny');
    expect(refused.map(({ decision }) => decision.reason)).toEqual(['name-mismatch', 'name-mismatch']);
    expect(echo.sockets.map(({ bytesRead }) => bytesRead)).toEqual([0, 0]);
  });

  test.each([
    ['whole', aClientHello('A.TEST'), 10_000],
    ['without a name', aClientHello(), 10_000],
    ['in records of 5 bytes', splitRecords(aClientHello('a.test'), 5), 10_000],
    ['byte by byte', aClientHello('a.test'), 1],
  ])('TLS to the allowed name passes: %s', async (_what, hello, size) => {
    await using echo = await openEcho();
    await using setUp = await openTestProxy({ 'a.test:443': echo.port });
    const client = await openWay(setUp, 'a.test', 443);
    client.setNoDelay();
    const answer = readAll(client);
    for (let at = 0; at < hello.length; at += size)
      await new Promise((sent) => client.write(hello.subarray(at, at + size), sent));
    client.end();
    expect(await answer).toEqual(hello);
  });

  test('a hello that never ends is refused', async () => {
    await using echo = await openEcho();
    await using setUp = await openTestProxy({ 'a.test:443': echo.port });
    const client = await openWay(setUp, 'a.test', 443);
    const endless = Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]);
    expect(await converse(client, Buffer.concat([endless, Buffer.alloc(0x4000 - 4)]))).toBe('');
    expect(await setUp.event(() => true)).toMatchObject({ decision: { verdict: 'deny', reason: 'protocol' } });
  });

  test('every request names the allowed host, or is refused; the rest of the connection is not lost', async () => {
    const hosts: (string | undefined)[] = [];
    await using server = await listening(
      createServer((request, response) => {
        hosts.push(request.headers.host);
        response.end(`served ${request.url}`);
      }),
    );
    await using setUp = await openTestProxy({ 'a.test:80': server.port });
    const client = await openWay(setUp, 'a.test', 80);
    client.write('GET /1 HTTP/1.1\r\nHost: A.test\r\n\r\n');
    expect(await readUntil(client, 'served /1')).toMatch(/ 200 /);
    client.write('GET /2 HTTP/1.1\r\nHost: b.test\r\n\r\n');
    expect(await readUntil(client, '"b.test" differs')).toMatch(
      /^HTTP\/1.1 403 [\s\S]*x-sbox-decision: deny; reason=name-mismatch\r\n/,
    );
    client.write('GET http://b.test/3 HTTP/1.1\r\nHost: a.test\r\n\r\n');
    expect(await readUntil(client, '"b.test" differs')).toMatch(/ 403 /);
    client.write('\r\n\r\nGET /4 HTTP/1.1\r\nHost: a.test:80\r\n\r\n');
    expect(await readUntil(client, 'served /4')).toMatch(/ 200 /);
    client.destroy();
    expect(hosts).toEqual(['a.test', 'a.test']);
  });

  test('HTTP goes over the connection that was made already', async () => {
    await using server = await listening(createServer((_request, response) => response.end('served')));
    await using setUp = await openTestProxy({ 'a.test:80': server.port });
    const client = await openWay(setUp, 'a.test', 80);
    expect(await converse(client, 'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')).toMatch(/served$/);
    expect(setUp.egress.dialled).toEqual(['a.test:80']);
  });

  test.each([
    ['HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS that is none', '\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00'],
  ])('%s is cut', async (_what, text) => {
    await using echo = await openEcho();
    await using setUp = await openTestProxy({ 'a.test:443': echo.port });
    expect(await converse(await openWay(setUp, 'a.test', 443), Buffer.from(text, 'latin1'))).toBe('');
    expect(echo.sockets[0]?.bytesRead).toBe(0);
  });

  test('to an address any name may be said', async () => {
    await using echo = await openEcho();
    await using setUp = await openTestProxy({ '10.0.0.1:443': echo.port });
    for (const text of [
      aClientHello('b.test'),
      Buffer.from('GET / HTTP/1.1\r\nHost: b.test\r\n\r\n'),
      Buffer.from('PRI * HTTP/2.0\r\n\r\n'),
    ]) {
      const client = await openWay(setUp, '10.0.0.1', 443);
      const answer = readAll(client);
      client.end(text);
      expect(await answer).toEqual(text);
    }
  });

  test('HTTP after a greeting of the host is cut', async () => {
    await using server = await openServer((socket) => void socket.write('hello'));
    await using setUp = await openTestProxy({ 'a.test:80': server.port });
    const client = await openWay(setUp, 'a.test', 80);
    await readUntil(client, 'hello');
    client.resume();
    expect(await converse(client, 'GET / HTTP/1.1\r\nHost: b.test\r\n\r\n')).not.toContain('200');
    expect(await setUp.event(() => true)).toMatchObject({ decision: { verdict: 'deny', reason: 'protocol' } });
  });

  test('a bound host is handed over with its hello; others are not', async () => {
    await using echo = await openEcho();
    const accepted: string[] = [];
    const interceptor: Interceptor = {
      isBound: (host, port) => host === 'bound.test' && port === 443,
      accept: ({ client, host, port, decision }) => {
        accepted.push(`${host}:${port} ${decision.verdict}`);
        client.once('readable', () => client.end(client.read()));
      },
      holdsPlaceholder: () => false,
    };
    await using setUp = await openTestProxy({ 'a.test:443': echo.port, 'bound.test:443': 1 }, { interceptor });
    for (const host of ['bound.test', 'a.test']) {
      const hello = aClientHello(host);
      const client = await openWay(setUp, host, 443);
      const answer = readAll(client);
      client.end(hello);
      expect(await answer).toEqual(hello);
    }
    expect(accepted).toEqual(['bound.test:443 allow']);
    expect(setUp.egress.dialled).toEqual(['a.test:443']);
  });

  test('a bound host that is spoken to in a protocol of its own is heard', async () => {
    await using echo = await openEcho();
    const interceptor = { isBound: () => true, accept: () => {}, holdsPlaceholder: () => false };
    await using setUp = await openTestProxy({ 'bound.test:443': echo.port }, { interceptor });
    const client = await openWay(setUp, 'bound.test', 443);
    client.write('*fine\n');
    expect(await readUntil(client, '\n')).toBe('*fine\n');
    client.destroy();
  });

  test.each(['its client ends it', 'the proxy closes'])('what a busy one carried is told when %s', async (how) => {
    await using echo = await openEcho();
    await using setUp = await openTestProxy({ 'a.test:7': echo.port }, { splicing });
    const client = await openWay(setUp, 'a.test', 7);
    for (let index = 0; index < 200; index++) {
      const text = `*message ${index}\n`;
      client.write(text);
      expect(await readUntil(client, '\n')).toBe(text);
    }
    expect(splicing.processes()).toHaveLength(1);
    if (how === 'the proxy closes') await setUp.proxy.close();
    else client.end();
    const bytes = Array.from({ length: 200 }, (_, index) => `*message ${index}\n`.length).reduce((a, b) => a + b);
    expect(await setUp.event(() => true)).toMatchObject({ bytesIn: bytes, bytesOut: bytes });
    client.destroy();
  });

  test('a slow reader stops the sender, and no byte is lost', async () => {
    const sent = randomBytes(32 * 1024 * 1024);
    await using server = await openServer((socket) => void socket.end(sent));
    await using setUp = await openTestProxy({ 'a.test:7': server.port });
    const client = await openWay(setUp, 'a.test', 7);
    client.pause();
    // nothing is read: what is under way settles at the size of the buffers
    let before = -1;
    await expect
      .poll(() => {
        const [now, last] = [process.memoryUsage().arrayBuffers, before];
        before = now;
        return now === last && server.sockets.length === 1;
      })
      .toBe(true);
    expect(server.sockets[0]?.writableLength).toBe(sent.length);
    const got = await readAll(client.resume());
    expect(sha(got)).toBe(sha(sent));
  });
});

const placeholder = 'sk-placeholder-0123456789';
const leaking: Interceptor = {
  isBound: () => false,
  accept: () => {},
  holdsPlaceholder: (bytes) => bytes.includes(placeholder),
};

test.each([
  ['in a header', `GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX-Key: ${placeholder}\r\n\r\n`],
  ['in the path', `GET http://a.test/${placeholder} HTTP/1.1\r\nHost: a.test\r\n\r\n`],
  ['in the body', `POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 25\r\n\r\n${placeholder}`],
  [
    'in two chunks',
    `POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\na\r\n${placeholder.slice(0, 10)}\r\nf\r\n${placeholder.slice(10)}\r\n0\r\n\r\n`,
  ],
  [
    'beside a WebSocket',
    `GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: ${placeholder}\r\n\r\n`,
  ],
])('a placeholder in the clear is refused: %s', async (_what, text) => {
  const bodies: Promise<Buffer>[] = [];
  await using server = await openServer((socket) => void bodies.push(readAll(socket)));
  await using setUp = await openTestProxy({ 'a.test:80': server.port }, { interceptor: leaking });
  const client = await setUp.connectTo(viaProxy);
  client.write(text);
  expect(await readUntil(client, 'reason=placeholder')).toMatch(/^HTTP\/1.1 403 /);
  client.destroy();
  expect(setUp.events.map(({ decision }) => decision.reason)).toContain('placeholder');
  for (const body of await Promise.all(bodies)) expect(body.includes(placeholder.slice(10))).toBe(false);
});

test('a placeholder in the first bytes of another protocol is refused, anything else passes', async () => {
  await using echo = await openEcho();
  await using setUp = await openTestProxy({ 'a.test:7': echo.port }, { interceptor: leaking });
  expect(await converse(await setUp.connectTo(straightTo('a.test', 7)), `*${placeholder}\n`)).toBe('');
  const client = await setUp.connectTo(straightTo('a.test', 7));
  client.write('*fine\n');
  expect(await readUntil(client, '\n')).toBe('*fine\n');
  client.destroy();
});

test('a host that was reached before its client came is heard from its first byte on', async () => {
  await using server = await openServer((socket) => void socket.end('hello'));
  await using setUp = await openTestProxy({ 'a.test:7': server.port });
  const dialled = await setUp.egress.dial({ host: 'a.test', port: 7, protocol: 'transparent' });
  const client = await setUp.connectTo(straightTo('a.test', 7, dialled));
  expect(String(await readAll(client))).toBe('hello');
  client.destroy();
});

test('a host that was gone again before its client came closes that', async () => {
  await using server = await openServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  await using setUp = await openTestProxy({ 'a.test:7': server.port });
  const dialled = await setUp.egress.dial({ host: 'a.test', port: 7, protocol: 'transparent' });
  if (dialled.kind !== 'connected') throw new Error(dialled.kind);
  const { socket } = dialled;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write('now');
  await closed;
  const client = await setUp.connectTo(straightTo('a.test', 7, dialled));
  expect(String(await readAll(client))).toBe('');
  client.destroy();
});

test.each(['hello', 'GET', '\x16\x03\x01\x01'])(
  'a client that begins with %j and waits is cut after a time, and it is told what happened',
  async (text) => {
    await using echo = await openEcho();
    await using setUp = await openTestProxy({ 'a.test:7': echo.port }, { limits: { headTimeoutMs: 50 } });
    expect(await converse(await setUp.connectTo(straightTo('a.test', 7)), text)).toBe('');
    const { decision } = await setUp.event(() => true);
    const sentence = 'the first bytes to a.test:7 could become HTTP or TLS, and nothing more came in 0.05 s';
    expect(decision).toMatchObject({ verdict: 'deny', reason: 'unfinished', sentence });
  },
);
