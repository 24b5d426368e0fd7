import { expect, test } from 'vitest';
import { openStandIns } from '../../../../src/egress/dns/stand-ins.ts';

test('every name has an address of its own, the same one each time, and the address leads back', () => {
  const standIns = openStandIns();
  expect(standIns.addressOf('a.test')).toBe('198.18.1.0');
  expect(standIns.addressOf('b.test')).toBe('198.18.1.1');
  expect(standIns.addressOf('a.test')).toBe('198.18.1.0');
  expect(standIns.nameOf('198.18.1.1')).toBe('b.test');
});

test.each(['198.18.0.1', '198.18.0.53', '198.18.9.9', '127.0.0.1', 'a.test', '::1', '198.18.1', '462.18.1.0'])(
  '%s stands for no name',
  (address) => {
    const standIns = openStandIns();
    standIns.addressOf('a.test');
    expect(standIns.nameOf(address)).toBeUndefined();
  },
);

test('all of 198.18.0.0/15 but the reserved part is used, without a repetition', () => {
  const standIns = openStandIns();
  const addresses = new Set(Array.from({ length: 130_815 }, (_, index) => standIns.addressOf(`n${index}`)));
  expect(addresses.size).toBe(130_815);
  expect([...addresses].at(-1)).toBe('198.19.255.254');
  expect([...addresses].some((address) => address.startsWith('198.18.0.'))).toBe(false);
});

test('when all are taken, the name that was not used for longest gives its address up', () => {
  const standIns = openStandIns(3);
  const [a, b] = ['a', 'b', 'c'].map((name) => standIns.addressOf(name));
  standIns.nameOf(a ?? '');
  expect(standIns.addressOf('d')).toBe(b);
  expect(standIns.nameOf(b ?? '')).toBe('d');
  expect(standIns.nameOf(a ?? '')).toBe('a');
});
