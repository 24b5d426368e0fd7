import { expect, test } from 'vitest';
import { isInNetwork, networkOf, parseAddress, renderAddress, renderAuthority } from '../../../src/domain/address.ts';

const canonical = (text: string): string | undefined => {
  const address = parseAddress(text);
  return address && renderAddress(address);
};

test.each([
  ['0.0.0.0', '0.0.0.0'],
  ['127.0.0.1', '127.0.0.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['::', '::'],
  ['::1', '::1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['fe80::', 'fe80::'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::FFFF:7f00:1', '127.0.0.1'],
  ['0:0:0:0:0:ffff:10.0.0.1', '10.0.0.1'],
])('%s is the address %s', (text, shown) => expect(canonical(text)).toBe(shown));

test.each([
  ...[
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '0x7f.0.0.1',
    '1.2.3.4.',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '1..2.3',
  ],
  ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', '::12345', '::g', '::1%lo'],
  ...['::1.2.3', '1.2.3.4::', '::1.2.3.4:5', '[::1]', '::ffff:127.1', '１２７.0.0.1', '::1\0', ':1', '1:', '::1:'],
  ...['::ffff:0127.0.0.1', '0000:0000:0000:0000:0000:0000:0000:00001'],
])('%j is no address', (text) => expect(parseAddress(text)).toBeUndefined());

test('what is rendered reads the same', () => {
  for (let seed = 1n, round = 0; round < 2000; round++) {
    seed = (seed * 6364136223846793005n + 1442695040888963407n) % (1n << 128n);
    // some groups of zeros
    const value = seed & (((seed >> 7n) & 0xffffn) * 0x0001000000010000000100000001n);
    const address = { family: 6 as const, value };
    if (value >> 32n !== 0xffffn) expect(parseAddress(renderAddress(address))).toEqual(address);
    const four = { family: 4 as const, value: seed & 0xffffffffn };
    expect(parseAddress(renderAddress(four))).toEqual(four);
  }
});

test('a network holds what agrees in its bits, of its own family', () => {
  const at = (text: string) => parseAddress(text) ?? { family: 4 as const, value: -1n };
  expect(isInNetwork(at('10.255.0.1'), at('10.0.0.0'), 8)).toBe(true);
  expect(isInNetwork(at('11.0.0.1'), at('10.0.0.0'), 8)).toBe(false);
  expect(isInNetwork(at('::ffff:10.1.1.1'), at('10.0.0.0'), 8)).toBe(true);
  expect(isInNetwork(at('::1'), at('0.0.0.0'), 0)).toBe(false);
  expect(isInNetwork(at('1.2.3.4'), at('0.0.0.0'), 0)).toBe(true);
  expect(renderAddress(networkOf(at('2001:db8:1:2::3'), 32))).toBe('2001:db8::');
  expect(renderAuthority('::1')).toBe('[::1]');
  expect(renderAuthority('a.test')).toBe('a.test');
});
