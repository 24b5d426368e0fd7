import { expect, test } from 'vitest';
import type { Arch } from '../../../src/syscall/numbers.ts';
import { parseOpenHow } from '../../../src/syscall/path-calls.ts';

const openHow = (flags: bigint, resolve: bigint): Buffer => {
  const bytes = Buffer.alloc(24);
  bytes.writeBigUInt64LE(flags, 0);
  bytes.writeBigUInt64LE(resolve, 16);
  return bytes;
};

test.each<[Arch, bigint]>([
  ['x64', 0o400000n],
  ['arm64', 0o100000n],
])('openat2 of %s says whether a link at the end is followed, and what stands for the root', (arch, noFollow) => {
  expect(parseOpenHow(arch, openHow(0n, 0n))).toEqual({ follows: true, inRoot: false });
  expect(parseOpenHow(arch, openHow(noFollow | 1n, 0x08n))).toEqual({ follows: false, inRoot: false });
  expect(parseOpenHow(arch, openHow(0n, 0x1an))).toEqual({ follows: true, inRoot: true });
  expect(() => parseOpenHow(arch, Buffer.alloc(8))).toThrow();
});
