import { describe, expect, test } from 'vitest';
import {
  allowedRights,
  handledRights,
  type LandlockAccess,
  rulesetBytes,
  scope,
} from '../../../src/syscall/landlock.ts';

/** linux/landlock.h, in the order of its bits. */
const names = [
  ...['EXECUTE', 'WRITE_FILE', 'READ_FILE', 'READ_DIR', 'REMOVE_DIR', 'REMOVE_FILE', 'MAKE_CHAR', 'MAKE_DIR'],
  ...['MAKE_REG', 'MAKE_SOCK', 'MAKE_FIFO', 'MAKE_BLOCK', 'MAKE_SYM', 'REFER', 'TRUNCATE', 'IOCTL_DEV'],
];
const namesOf = (rights: number): string[] => {
  expect(rights >>> names.length).toBe(0);
  return names.filter((_, bit) => (rights & (1 << bit)) !== 0);
};

const first = names.slice(0, 13);
const known: readonly (readonly [number, readonly string[]])[] = [
  [1, first],
  [2, [...first, 'REFER']],
  [3, [...first, 'REFER', 'TRUNCATE']],
  [4, [...first, 'REFER', 'TRUNCATE']],
  [5, [...first, 'REFER', 'TRUNCATE', 'IOCTL_DEV']],
  [6, [...first, 'REFER', 'TRUNCATE', 'IOCTL_DEV']],
  [7, [...first, 'REFER', 'TRUNCATE', 'IOCTL_DEV']],
];

describe.each(known)('version %s', (abi, handled) => {
  const has = (wanted: readonly string[]) => wanted.filter((name) => handled.includes(name));

  test('a ruleset takes charge of every right that it knows', () =>
    expect(namesOf(handledRights(abi))).toEqual(handled));

  test.each<[LandlockAccess, 'file' | 'dir', readonly string[]]>([
    ['ro', 'dir', ['EXECUTE', 'READ_FILE', 'READ_DIR']],
    ['ro', 'file', ['EXECUTE', 'READ_FILE']],
    ['rw', 'dir', has(names.filter((name) => name !== 'IOCTL_DEV'))],
    ['rw', 'file', has(['EXECUTE', 'WRITE_FILE', 'READ_FILE', 'TRUNCATE'])],
    ['device', 'file', has(['WRITE_FILE', 'READ_FILE', 'TRUNCATE', 'IOCTL_DEV'])],
  ])('%s of a %s allows what it says, and the kernel takes it', (access, type, expected) => {
    const rights = allowedRights(abi, access, type);
    expect(namesOf(rights)).toEqual(expected);
    expect(rights & ~handledRights(abi)).toBe(0); // else EINVAL (landlock_add_rule(2))
  });

  test('no right to files alone is one to make, remove or rename', () => {
    for (const access of ['ro', 'rw', 'device'] as const)
      expect(
        namesOf(allowedRights(abi, access, 'file')).filter((name) => /^(MAKE|REMOVE|REFER|READ_DIR)/.test(name)),
      ).toEqual([]);
  });
});

test.each([
  [1, 8],
  [2, 8],
  [3, 8],
  [4, 16],
  [5, 16],
  [6, 24],
  [7, 24],
])('struct landlock_ruleset_attr of version %s has %s bytes', (abi, bytes) => expect(rulesetBytes(abi)).toBe(bytes));

test('scopes have the values of the kernel header', () =>
  expect(scope).toEqual({ ABSTRACT_UNIX_SOCKET: 1, SIGNAL: 2 }));
