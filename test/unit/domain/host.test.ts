import { describe, expect, test } from 'vitest';
import { parseHost, parseHostName } from '../../../src/domain/host.ts';

const refused = { problem: expect.any(String), hint: expect.any(String) };
const long = 'a'.repeat(63);

describe('host names', () => {
  test.each([
    ['example.com', 'example.com'],
    ['EXAMPLE.Com', 'example.com'],
    ['example.com.', 'example.com'],
    ['localhost', 'localhost'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['r3---sn-x.example.com', 'r3---sn-x.example.com'],
    ['my_service', 'my_service'],
    ['_sip._tcp.example.com', '_sip._tcp.example.com'],
    ['1.2.3.4.example.com', '1.2.3.4.example.com'],
    ['3com.example', '3com.example'],
    ['0xg', '0xg'],
    ['constructor', 'constructor'],
    [`${long}.${long}.${long}.${'a'.repeat(61)}`, `${long}.${long}.${long}.${'a'.repeat(61)}`],
  ])('%s is the name %s', (text, value) => expect(parseHostName(text)).toEqual({ value }));

  test.each([
    ...['', '.', '..', '.example.com', 'example..com', 'example.com..', '-a.test', 'a-.test', 'a.-b.test'],
    ...['a b.test', ' a.test', 'a.test ', 'a.test\n', 'a.test\0', 'evil.test\0.example.com', 'a\t.test', 'a\r\nb.test'],
    ...[
      'user@example.com',
      'user:secret@example.com',
      'example.com/',
      'example.com/@evil.test',
      'example.com#x',
      'a?b',
    ],
    ...['example.com:443', 'http://example.com', 'a%2eb', 'a\\b', 'a,b', 'a*b', '*.a.test', '*', 'a;b', "a'b", 'a"b'],
    ...[
      'bücher.example',
      'ｅxample.com',
      'example。com',
      'example．com',
      '\u212a.test',
      '\u017f.test',
      'exаmple.com',
      'a\u200b.test',
    ],
    ...[
      '127.0.0.1',
      '127.0.0.1.',
      '127.1',
      '2130706433',
      '0x7f.1',
      '0x7f000001',
      '0X7F.0.0.1',
      '0177.0.0.1',
      '017700000001',
    ],
    ...['127.0.0.0x1', 'a.1', 'a.0x', 'a.0x1f', '1.', '00', '127.0.0.1.1', '256.256.256.256', '1.2.3.4.5', '08.1'],
    ...['１２７.0.0.1', '127。0。0。1', '①②⑦.0.0.1', '٠.٠.٠.٠', '[::1]', '::1', '[127.0.0.1]'],
    ...[`${'a'.repeat(64)}.test`, `${long}.${long}.${long}.${'a'.repeat(62)}`],
  ])('%j is no name', (text) => expect(parseHostName(text)).toEqual(refused));

  test('a long text is cut in what is said of it', () =>
    expect(parseHostName('a'.repeat(100_000))).toMatchObject({ problem: expect.stringMatching(/^.{200,300}$/) }));

  test.each([
    ['2130706433', 'write the address in full: "127.0.0.1"'],
    ['0177.0.0.1', 'write the address in full: "127.0.0.1"'],
    ['0x7f.1', 'write the address in full: "127.0.0.1"'],
    ['10.1.258', 'write the address in full: "10.1.1.2"'],
    ['a.1', 'no name ends in a number, and an address is written as in "192.0.2.1"'],
    ['user:secret@Example.com:8443/x', 'write "example.com"'],
    ['bücher.example', 'write an international name in its "xn--" form'],
    ['a b', 'use letters, digits, "-" and "."'],
  ])('%s: %s', (text, hint) => expect(parseHostName(text)).toMatchObject({ hint }));

  test('a refusal cannot steer a terminal', () =>
    expect(parseHostName('a\u001b[2J\u202e')).toMatchObject({
      problem: '"a\\u{1b}[2J\\u{202e}" is not a host name',
    }));
});

describe('hosts', () => {
  test.each([
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['[::ffff:127.0.0.1]', '127.0.0.1'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['192.0.2.1', '192.0.2.1'],
  ])('%s is the address %s', (text, shown) =>
    expect(parseHost(text)).toMatchObject({ value: { kind: 'address', text: shown } }),
  );

  test('anything else is a name', () =>
    expect(parseHost('A.test.')).toEqual({ value: { kind: 'name', name: 'a.test' } }));

  test.each(['[127.0.0.1]', '[a.test]', '[::1', '::1]', '[::1%lo]', '[]', 'a:1', '[[::1]]', '127.0.0.1.', '127.1'])(
    '%s is neither',
    (text) => expect(parseHost(text)).toEqual(refused),
  );
});
