import { expect, test } from 'vitest';
import { parseGreeting, parsePassword, parseSocksRequest } from '../../../../src/egress/proxy/socks5-messages.ts';

const bytes = (...parts: (number | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));
const rest = Buffer.alloc(0);

test('a greeting names methods', () => {
  expect(parseGreeting(bytes(5, 2, 0, 2, 'x'))).toEqual({ methods: [0, 2], rest: Buffer.from('x') });
});

test('a name and a password', () => {
  expect(parsePassword(bytes(1, 4, 'sbox', 2, 'pw'))).toEqual({ user: 'sbox', password: 'pw', rest });
});

test.each([
  ['a name', bytes(5, 1, 0, 3, 6, 'a.test', 1, 187), 'a.test', 443],
  ['IPv4', bytes(5, 1, 0, 1, 10, 0, 0, 1, 0, 80), '10.0.0.1', 80],
  ['IPv6', bytes(5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, '\0'.repeat(11), 1, 0, 80), '2001:db8:0:0:0:0:0:1', 80],
])('a request for %s', (_what, message, host, port) => {
  expect(parseSocksRequest(message)).toEqual({ command: 1, host, port, rest });
  for (let length = 0; length < message.length; length += 1) {
    expect(parseSocksRequest(message.subarray(0, length))).toBeUndefined();
  }
});

test('what is no SOCKS5 is seen at once', () => {
  expect(parseGreeting(bytes(4, 1))).toEqual({ bad: true });
  expect(parsePassword(bytes(5))).toEqual({ bad: true });
  expect(parseSocksRequest(bytes(5, 1, 9))).toEqual({ bad: true });
  expect(parseSocksRequest(bytes(5, 1, 0, 3, 0))).toEqual({ bad: true });
});
