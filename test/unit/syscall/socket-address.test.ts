import { describe, expect, test } from 'vitest';
import { type InternetAddress, parseAddress, renderAddress } from '../../../src/syscall/socket-address.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const four = (address: string, port: number): InternetAddress => ({ family: 4, address, port });
const six = (address: string, port: number): InternetAddress => ({ family: 6, address, port });

describe('an address is the bytes of its structure', () => {
  test.each<[InternetAddress, string]>([
    [four('127.0.0.1', 80), '0200 0050 7f000001 0000000000000000'],
    [four('0.0.0.0', 0), '0200 0000 00000000 0000000000000000'],
    [four('255.255.255.255', 65_535), '0200 ffff ffffffff 0000000000000000'],
    [four('1.2.3.4', 443), '0200 01bb 01020304 0000000000000000'],
    [six('::1', 80), '0a00 0050 00000000 00000000000000000000000000000001 00000000'],
    [six('::', 0), '0a00 0000 00000000 00000000000000000000000000000000 00000000'],
    [six('2001:db8::1:0:0:1', 8443), '0a00 20fb 00000000 20010db8000000000001000000000001 00000000'],
    [six('fe80::1', 1), '0a00 0001 00000000 fe800000000000000000000000000001 00000000'],
    [six('1:2:3:4:5:6:7:8', 1), '0a00 0001 00000000 00010002000300040005000600070008 00000000'],
    [six('1::', 1), '0a00 0001 00000000 00010000000000000000000000000000 00000000'],
    [six('64:ff9b::102:304', 1), '0a00 0001 00000000 0064ff9b000000000000000001020304 00000000'],
  ])('%o', (address, hex) => {
    expect(renderAddress(address)).toEqual(bytes(hex));
    expect(parseAddress(bytes(hex))).toEqual(address);
  });
});

test('IPv6 may be spelled in any way where it is written, and is read in one', () => {
  for (const spelling of ['0:0:0:0:0:0:0:1', '::0.0.0.1', '0000::0001', '::1'])
    expect(parseAddress(renderAddress(six(spelling, 7)))).toEqual(six('::1', 7));
});

test('an IPv4 address inside IPv6 is read as what the kernel connects to', () => {
  const mapped = bytes('0a00 0050 00000000 00000000000000000000ffff 7f000001 00000000');
  expect(parseAddress(mapped)).toEqual(four('127.0.0.1', 80));
});

test.each([
  ['compatible', '00000000000000000000000007f000001'.slice(1), '::7f00:1'],
  ['translated', '0000000000000000ffff00007f000001', '::ffff:0:7f00:1'],
])('an IPv4-%s address is another one', (_, hex, address) => {
  expect(parseAddress(bytes(`0a00 0050 00000000 ${hex} 00000000`))).toEqual(six(address, 80));
});

test('addresses of all lengths of their parts come back as they were', () => {
  for (let shift = 0n; shift < 128n; shift++) {
    const raw = bytes('0a00 0050 00000000 00000000000000000000000000000000 00000000');
    raw.write(((0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834n >> shift) & ~1n).toString(16).padStart(32, '0'), 8, 'hex');
    const parsed = parseAddress(raw);
    expect(parsed).toBeDefined();
    if (parsed?.family === 6) expect(renderAddress(parsed)).toEqual(raw);
  }
});

test('what is behind the address does not count', () => {
  expect(parseAddress(bytes(`0200 0050 7f000001 ${'ff'.repeat(100)}`))).toEqual(four('127.0.0.1', 80));
  // flow and zone
  expect(parseAddress(bytes(`0a00 0050 12345678 ${'00'.repeat(15)}01 09000000`))).toEqual(six('::1', 80));
});

test.each([
  ['nothing', ''],
  ['less than a port', '020000'],
  ['no family', '0000 0050 7f000001 0000000000000000'],
  ['a unix address', '0100 2f746d702f736f636b6574000000000000'],
  ['a short IPv4 one', '0200 0050 7f000001 00000000000000'],
  ['a short IPv6 one', '0a00 0050 00000000 000000000000000000000000000000'],
  ['the family in the other byte order', '0002 0050 7f000001 0000000000000000'],
  ['a family that is more', '0210 0050 7f000001 0000000000000000'],
])('%s is no address', (_, hex) => {
  expect(parseAddress(bytes(hex))).toBeUndefined();
});

test.each<[4 | 6, string]>([
  [4, 'localhost'],
  [4, '127.1'],
  [4, '0x7f.0.0.1'],
  [4, '0177.0.0.1'],
  [4, '256.0.0.1'],
  [4, '::1'],
  [6, '127.0.0.1'],
  [6, '::ffff:127.0.0.1'],
  [6, 'fe80::1%lo'],
  [6, '1::2::3'],
  [6, ''],
])('no IPv%s address is rendered from %j', (family, address) => {
  expect(() => renderAddress({ family, address, port: 1 })).toThrow(RangeError);
});
