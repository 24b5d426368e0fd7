import { describe, expect, test } from 'vitest';
import { parseClientHello } from '../../../../src/egress/proxy/client-hello.ts';
import {
  aClientHello,
  anExtension,
  aRecord,
  serverNameExtension,
  splitRecords,
} from '../../../support/client-hello.ts';

const hello = aClientHello('Example.COM');

test('the server name is found, in lower case', () => {
  expect(parseClientHello(hello)).toEqual({ kind: 'hello', serverName: 'example.com' });
});

test('a hello without a server name is one', () => {
  expect(parseClientHello(aClientHello())).toEqual({ kind: 'hello' });
  expect(parseClientHello(aClientHello(undefined, [anExtension(43, Buffer.from([2, 3, 4]))]))).toEqual({
    kind: 'hello',
  });
});

test('every beginning of a hello asks for more', () => {
  for (let length = 1; length < hello.length; length += 1) {
    expect(parseClientHello(hello.subarray(0, length))).toEqual({ kind: 'more' });
  }
});

test.each([1, 3, 4, 17])('a hello in records of %i bytes is joined', (size) => {
  expect(parseClientHello(splitRecords(hello, size))).toEqual({ kind: 'hello', serverName: 'example.com' });
});

test('what follows a hello does not matter', () => {
  const early = aRecord(Buffer.from('early data'), 23);
  expect(parseClientHello(Buffer.concat([hello, early]))).toEqual({ kind: 'hello', serverName: 'example.com' });
});

test('a large hello is read', () => {
  const large = aClientHello('a.test', [anExtension(51, Buffer.alloc(12_000))]);
  expect(parseClientHello(large)).toEqual({ kind: 'hello', serverName: 'a.test' });
});

describe('refused', () => {
  test.each([
    ['two server names', aClientHello('a.test', [serverNameExtension('b.test')])],
    ['an empty server name', aClientHello('')],
    ['a server name with a NUL', aClientHello('a.test\0.b.test')],
    ['a server name with a blank', aClientHello('a.test b.test')],
    ['another message of the handshake', aRecord(Buffer.from([2, 0, 0, 1, 0]))],
    ['an alert in the middle', Buffer.concat([aRecord(hello.subarray(5, 20)), aRecord(Buffer.from([1, 0]), 21)])],
    ['an empty record', aRecord(Buffer.alloc(0))],
    ['a record that is too long', Buffer.from([22, 3, 1, 0xff, 0xff])],
    ['a message that is too long', aRecord(Buffer.from([1, 0xff, 0xff, 0xff]))],
    ['an extension that ends outside', aClientHello(undefined, [Buffer.from([0, 9, 0, 9, 1])])],
  ])('%s', (_what, bytes) => {
    expect(parseClientHello(bytes)).toEqual({ kind: 'malformed' });
  });
});

test('no change of a byte makes it throw', () => {
  for (let at = 0; at < hello.length; at += 1) {
    for (const value of [0, 1, 127, 255]) {
      const changed = Buffer.from(hello);
      changed[at] = value;
      expect(parseClientHello(changed).kind).toMatch(/^(hello|more|malformed)$/);
    }
  }
});
