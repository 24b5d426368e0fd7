import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { converse, openEcho, openTestProxy, readAll, readUntil, straightTo, viaProxy } from '../../../support/proxy.ts';

const get = (host: string) => `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
const basic = (text: string) => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

test('a connection may be announced before it comes', async () => {
  await using echo = await openEcho();
  await using setUp = await openTestProxy({ 'a.test:7': echo.port });
  const localPort = await freePort();
  setUp.proxy.expect(localPort, straightTo('a.test', 7));
  const client = connect({ port: setUp.proxy.port, host: '127.0.0.1', localPort });
  client.write('*early\n');
  expect(await readUntil(client, '\n')).toBe('*early\n');
  client.destroy();
});

test('what a client sends before it is announced is kept', async () => {
  await using echo = await openEcho();
  await using setUp = await openTestProxy({ 'a.test:7': echo.port });
  const client = connect({ port: setUp.proxy.port, host: '127.0.0.1' });
  await once(client, 'connect');
  client.write('*one\n');
  await new Promise((resolve) => client.write('*two\n', resolve));
  await expect.poll(() => setUp.proxy.connections).toBe(1);
  setUp.proxy.expect(client.localPort ?? 0, straightTo('a.test', 7));
  expect(await readUntil(client, 'two\n')).toBe('*one\n*two\n');
  client.destroy();
});

test('whoever else connects is closed without an answer', async () => {
  await using setUp = await openTestProxy({ 'a.test:80': 1 }, { limits: { strangerWaitMs: 50 } });
  const stranger = connect({ port: setUp.proxy.port, host: '127.0.0.1' });
  stranger.on('error', () => {});
  expect(await converse(stranger, get('a.test'))).toBe('');
  expect(setUp.egress.dialled).toEqual([]);
  await expect.poll(() => setUp.proxy.connections).toBe(0);
});

test('only so many strangers wait, and the oldest goes first', async () => {
  await using echo = await openEcho();
  await using setUp = await openTestProxy(
    { 'a.test:7': echo.port },
    { limits: { strangerWaitMs: 60_000, maxWaiting: 2 } },
  );
  const strangers = [];
  for (let left = 3; left > 0; left -= 1) {
    const stranger = connect({ port: setUp.proxy.port, host: '127.0.0.1' });
    stranger.on('error', () => {});
    await once(stranger, 'connect');
    strangers.push(stranger);
  }
  await readAll(strangers[0] ?? expect.fail());
  setUp.proxy.expect(strangers[2]?.localPort ?? 0, straightTo('a.test', 7));
  strangers[2]?.write('*x\n');
  expect(await readUntil(strangers[2] ?? expect.fail(), '\n')).toBe('*x\n');
  for (const stranger of strangers) stranger.destroy();
});

test('an announcement serves one connection, not a later one from the same port', async () => {
  await using echo = await openEcho();
  await using setUp = await openTestProxy({ 'a.test:7': echo.port }, { limits: { strangerWaitMs: 50 } });
  const localPort = await freePort();
  setUp.proxy.expect(localPort, straightTo('a.test', 7));
  const first = connect({ port: setUp.proxy.port, host: '127.0.0.1', localPort });
  first.write('*x\n');
  expect(await readUntil(first, '\n')).toBe('*x\n');
  first.resetAndDestroy();
  await expect.poll(() => setUp.proxy.connections).toBe(0);
  const second = connect({ port: setUp.proxy.port, host: '127.0.0.1', localPort });
  second.on('error', () => {});
  expect(await converse(second, '*x\n')).toBe('');
});

test.each([
  ['the token', basic('sbox:secret'), /^HTTP\/1.1 502 /],
  ['no token', '', /^HTTP\/1.1 407 [\s\S]*proxy-authenticate: Basic/],
  ['another token', basic('sbox:secres'), /^HTTP\/1.1 407 /],
  ['another user', basic('root:secret'), /^HTTP\/1.1 407 /],
  ['an empty token', basic('sbox:'), /^HTTP\/1.1 407 /],
])('with %s, HTTP, CONNECT and a change of protocol', async (_what, header, expected) => {
  await using setUp = await openTestProxy({ 'a.test:80': 1 }, { token: 'secret' });
  const ways = ['GET http://a.test/', 'CONNECT a.test:80', 'GET http://a.test/ws'];
  for (const line of ways) {
    const client = connect({ port: setUp.proxy.port, host: '127.0.0.1' });
    expect(
      await converse(
        client,
        `${line} HTTP/1.1\r\nHost: a.test\r\nConnection: ${line.endsWith('ws') ? 'upgrade\r\nUpgrade: websocket' : 'close'}\r\n${header}\r\n`,
      ),
    ).toMatch(expected);
  }
});

test.each([
  ['the token', 'secret', '\x05\x02\x01\x00\x05\x05'],
  ['another token', 'secres', '\x05\x02\x01\x01'],
])('with %s, SOCKS5', async (_what, token, expected) => {
  await using setUp = await openTestProxy({ 'a.test:80': 1 }, { token: 'secret' });
  const client = connect({ port: setUp.proxy.port, host: '127.0.0.1' });
  const answer = await converse(client, `\x05\x02\x00\x02\x01\x04sbox\x06${token}\x05\x01\x00\x03\x06a.test\x00\x50`);
  expect(answer.slice(0, expected.length)).toBe(expected);
});

test('SOCKS5 without a password is refused where a token is asked for', async () => {
  await using setUp = await openTestProxy({ 'a.test:80': 1 }, { token: 'secret' });
  const client = connect({ port: setUp.proxy.port, host: '127.0.0.1' });
  expect(await converse(client, '\x05\x01\x00')).toBe('\x05\xff');
});

test('closing ends every connection, at whatever stage', async () => {
  await using echo = await openEcho();
  const setUp = await openTestProxy({ 'a.test:7': echo.port }, { limits: { strangerWaitMs: 60_000 } });
  const tunnel = await setUp.connectTo(straightTo('a.test', 7));
  tunnel.write('*x\n');
  await readUntil(tunnel, '\n');
  const silent = await setUp.connectTo(viaProxy);
  const stranger = connect({ port: setUp.proxy.port, host: '127.0.0.1' });
  stranger.on('error', () => {});
  await expect.poll(() => setUp.proxy.connections).toBe(3);
  const ended = [tunnel, silent, stranger].map((socket) => readAll(socket.resume()));
  await setUp.proxy.close();
  await Promise.all(ended);
  expect(setUp.proxy.connections).toBe(0);
  await expect.poll(() => echo.sockets.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
});
