import { expect, test } from 'vitest';
import { parseOpening } from '../../../../src/egress/proxy/opening.ts';
import { aClientHello } from '../../../support/client-hello.ts';

const kindOf = (bytes: string | Buffer, isAll = false): string | undefined =>
  parseOpening(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1'), isAll)?.kind;

test('a TLS client tells its server name', () => {
  expect(parseOpening(aClientHello('a.test'))).toEqual({ kind: 'tls', serverName: 'a.test' });
});

test.each([
  'GET / HTTP/1.1\r\n',
  'GET /',
  '\r\n\r\nGET / HTTP/1.1\r\n',
  '\n \tPOST /x',
  'PROPFIND /x HTTP/1.1\r\n',
  'propfind /x http/1.0\n',
  'FOO\t/x\tHTTP/1.1\r\n',
  'GET\t/x\tHTTP/1.1\r\n',
  `PROPFIND /${'x'.repeat(20_000)}`,
  'CONNECT b.test:443 HTTP/1.1\r\n',
])('HTTP: %j', (text) => {
  expect(kindOf(text)).toBe('http');
});

test.each([
  'SSH-2.0-OpenSSH_9.9\r\n',
  '*1\r\n$4\r\nPING\r\n',
  'EHLO a.test\r\n',
  'get key\r\n',
  '\x00\x00\x00\x08\x04\xd2\x16\x2f',
  'AMQP\0\0\x09\x01',
  '\x10\x0c\0\x04MQTT',
  '\x16\x02',
])('something else: %j', (text) => {
  expect(kindOf(text)).toBe('other');
});

test.each(['', '\r\n', 'G', 'FOO', 'FOO /x HTT', '\x16', '\x16\x03\x01\x02'])('not yet known: %j', (text) => {
  expect(kindOf(text)).toBeUndefined();
});

test('what will not go on is no request', () => {
  expect(kindOf('', true)).toBe('other');
  expect(kindOf('FOO /x', true)).toBe('other');
  expect(kindOf('\x16\x03\x01', true)).toBe('malformed');
});

test('empty lines hide no request, however many', () => {
  expect(kindOf('\r\n'.repeat(9_000))).toBe('malformed');
});

test('HTTP/2 without TLS is told apart', () => {
  expect(kindOf('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toBe('http2');
});
