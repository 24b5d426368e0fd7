import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { openAnswerer } from '../../../../src/egress/dns/answerer.ts';
import { openStandIns } from '../../../../src/egress/dns/stand-ins.ts';
import { aQuery, readReply } from '../../../support/dns.ts';
import { needs, program } from '../../../support/needs.ts';
import {
  converse,
  listening,
  openServer,
  openTestProxy,
  readUntil,
  straightTo,
  viaProxy,
} from '../../../support/proxy.ts';
import { standInEgress } from '../../../support/stand-in-egress.ts';

const openAnswering = () =>
  openAnswerer({ egress: standInEgress({ 'a.test:443': 1 }), standIns: openStandIns(), onEvent: () => {} });

test('names are answered over TCP, several on one connection, and no query goes further', async () => {
  await using setUp = await openTestProxy({ '8.8.8.8:53': 1 }, { answerDns: openAnswering() });
  const client = await setUp.connectTo(straightTo('8.8.8.8', 53));
  const frame = (query: Buffer) => Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query]);
  const queries = Buffer.concat([frame(aQuery('a.test', 1, { id: 1 })), frame(aQuery('b.test', 1, { id: 2 }))]);
  client.write(queries.subarray(0, 5));
  client.end(queries.subarray(5));
  const answers: Buffer[] = [];
  for await (const part of client) answers.push(part as Buffer);
  let bytes = Buffer.concat(answers);
  const replies = [];
  for (; bytes.length > 0; bytes = bytes.subarray(2 + bytes.readUInt16BE(0))) {
    replies.push(readReply(bytes.subarray(2, 2 + bytes.readUInt16BE(0))));
  }
  expect(replies).toMatchObject([
    { id: 1, code: 0, answers: ['198.18.1.0'] },
    { id: 2, code: 3, answers: [] },
  ]);
  expect(setUp.egress.dialled).toEqual([]);
});

test("a real TLS client's hello is understood", async () => {
  await using server = await openServer((socket) => void socket.once('data', () => socket.end('no TLS')));
  await using setUp = await openTestProxy({ 'a.test:443': server.port });
  for (const [servername, isDialled] of [
    ['a.test', true],
    ['b.test', false],
  ] as const) {
    const socket = await setUp.connectTo(straightTo('a.test', 443));
    const client = connectTls({ socket, servername, ALPNProtocols: ['h2', 'http/1.1'] });
    client.on('error', () => {});
    await new Promise((resolve) => client.once('close', resolve));
    expect(server.sockets.at(-1)?.bytesRead).toBeGreaterThan(isDialled ? 100 : -1);
    const refused = setUp.events.filter(({ decision }) => decision.reason === 'name-mismatch');
    expect(refused.length).toBe(isDialled ? 0 : 1);
  }
});

test('a refused client without a proxy gets an answer if it speaks HTTP, and a reset if not', async () => {
  await using setUp = await openTestProxy({ 'c.test:80': 1 });
  expect(
    await converse(await setUp.connectTo(straightTo('b.test', 80)), 'GET / HTTP/1.1\r\nHost: b.test\r\n\r\n'),
  ).toMatch(/^HTTP\/1.1 403 [\s\S]*--allow b\.test/);
  expect(
    await converse(await setUp.connectTo(straightTo('c.test', 80)), 'GET / HTTP/1.1\r\nHost: c.test\r\n\r\n'),
  ).toMatch(/^HTTP\/1.1 502 [\s\S]*ECONNREFUSED/);
  expect(await converse(await setUp.connectTo(straightTo('b.test', 22)), 'SSH-2.0-x\r\n')).toBe('');
});

test.each([
  [
    'CONNECT b.test:443',
    /^HTTP\/1.1 403 Forbidden: b\.test:443 is not allowed \(to allow it: --allow b\.test\)\r\nx-sbox-decision: deny/,
  ],
  ['CONNECT a.test:443', /^HTTP\/1.1 502 /],
  ['CONNECT a.test', /^HTTP\/1.1 400 /],
  ['CONNECT user@a.test:443', /^HTTP\/1.1 400 /],
  ['CONNECT /', /^HTTP\/1.1 400 /],
])('%s', async (line, expected) => {
  await using setUp = await openTestProxy({ 'a.test:443': 1 });
  expect(await converse(await setUp.connectTo(viaProxy), `${line} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(expected);
});

const socks = (command: number, type: number, rest: string) =>
  Buffer.concat([Buffer.from([5, 1, 0, 5, command, 0, type]), Buffer.from(rest, 'latin1')]);

test.each([
  ['a refused name', socks(1, 3, '\x06b.test\x00\x50'), 2],
  ['a dead host', socks(1, 3, '\x06a.test\x00\x50'), 5],
  ['an address that is not allowed', socks(1, 1, '\x0a\x00\x00\x01\x00\x50'), 2],
  ['BIND', socks(2, 3, '\x06a.test\x00\x50'), 7],
  ['UDP ASSOCIATE', socks(3, 1, '\0\0\0\0\0\0'), 7],
  ['an unknown kind of address', socks(1, 9, '\0\0\0\0\0\0'), 8],
])('SOCKS5 replies to %s', async (_what, bytes, code) => {
  await using setUp = await openTestProxy({ 'a.test:80': 1 });
  const answer = await converse(await setUp.connectTo(viaProxy), bytes);
  expect([...Buffer.from(answer, 'latin1').subarray(0, 4)]).toEqual([5, 0, 5, code]);
});

test('SOCKS4 is rejected', async () => {
  await using setUp = await openTestProxy({ '10.0.0.1:80': 1 });
  const answer = await converse(await setUp.connectTo(viaProxy), Buffer.from([4, 1, 0, 80, 10, 0, 0, 1, 0]));
  expect(answer.slice(0, 2)).toBe('\0\x5b');
});

test('a tunnel within a tunnel is none', async () => {
  await using server = await openServer(() => {});
  await using setUp = await openTestProxy({ 'a.test:80': server.port, 'b.test:80': server.port });
  const client = await setUp.connectTo(viaProxy);
  client.write('CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n');
  await readUntil(client, '\r\n\r\n');
  expect(await converse(client, 'CONNECT b.test:80 HTTP/1.1\r\nHost: b.test:80\r\n\r\n')).toMatch(/^HTTP\/1.1 405 /);
});

test('a policy that fails lets nothing through', async () => {
  const fail = () => Promise.reject(new Error('broken'));
  await using setUp = await openTestProxy({}, { egress: { decide: fail, knowsName: fail, dial: fail } });
  for (const line of ['GET http://a.test/', 'CONNECT a.test:80']) {
    expect(await converse(await setUp.connectTo(viaProxy), `${line} HTTP/1.1\r\nHost: a.test\r\n\r\n`)).toBe('');
  }
  expect(
    await converse(await setUp.connectTo(straightTo('a.test', 80)), 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  ).toBe('');
});

const curl = (...args: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile('curl', ['-q', '-s', '-m', '20', ...args], { env: {} }, (_error, output) => resolve(output));
  });

needs(program('curl'))('curl gets through in each way, and is told why where it does not', async () => {
  await using server = await listening(createServer((request, response) => void request.pipe(response)));
  await using setUp = await openTestProxy({ 'a.test:80': server.port }, { token: 'secret' });
  const at = `sbox:secret@127.0.0.1:${setUp.proxy.port}`;
  const url = 'http://a.test/';
  expect(await curl('-x', `http://${at}`, url, '-d', 'one')).toBe('one');
  expect(await curl('-p', '-x', `http://${at}`, url, '-d', 'two')).toBe('two');
  expect(await curl('-x', `socks5h://${at}`, url, '-d', 'three')).toBe('three');
  expect(await curl('--http2', '-x', `http://${at}`, url, '-d', 'four')).toBe('four');
  expect(
    await curl(
      '-H',
      'Transfer-Encoding: chunked',
      '-H',
      'Expect: 100-continue',
      '-x',
      `http://${at}`,
      url,
      '-d',
      'five',
    ),
  ).toBe('five');
  expect(await curl('-x', `http://${at}`, 'http://b.test/')).toContain('--allow b.test');
  expect(await curl('-x', `http://127.0.0.1:${setUp.proxy.port}`, url)).toContain('the token is missing or wrong');
});
