import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Arch, syscallNumber } from '../../../src/syscall/numbers.ts';
import { file, needs } from '../../support/needs.ts';
import { syscallNames } from '../../support/syscall-names.ts';

const headers: Record<Arch, string> = {
  x64: '/usr/include/x86_64-linux-gnu/asm/unistd_64.h',
  arm64: '/usr/include/asm-generic/unistd.h',
};

/** Names and numbers of a header; `__NR3264_x` stands for calls that 64-bit architectures have under their plain name. */
const readHeader = (path: string): Map<string, number> =>
  new Map(
    [...readFileSync(path, 'utf8').matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm)].map(([, name, number]) => [
      name === 'fstatat' ? 'newfstatat' : (name ?? ''), // asm-generic names it so under its older name
      Number(number),
    ]),
  );

test('the table is read as a whole', () => {
  const text = readFileSync(new URL('../../../src/syscall/numbers.ts', import.meta.url), 'utf8');
  const table = /const numbers = \{\n([^}]*)\n\} as const/.exec(text)?.[1]?.split('\n') ?? [];
  expect(table.length).toBeGreaterThan(70);
  expect(syscallNames).toHaveLength(table.length);
  expect(new Set(syscallNames).size).toBe(table.length);
});

describe.each(Object.entries(headers) as [Arch, string][])('%s', (arch, path) => {
  needs(file(path, 'linux-libc-dev'))('every number is the one of the kernel header', () => {
    const header = readHeader(path);
    const newest = Math.max(...header.values());
    const known = syscallNames.filter((name) => {
      const number = syscallNumber(arch, name);
      return number === undefined || number <= newest;
    });
    expect(Object.fromEntries(known.map((name) => [name, syscallNumber(arch, name)]))).toEqual(
      Object.fromEntries(known.map((name) => [name, header.get(name)])),
    );
    expect(known.length).toBeGreaterThan(70);
  });
});

test('a call that an architecture lacks has no number', () => {
  expect(syscallNumber('arm64', 'iopl')).toBeUndefined();
  expect(syscallNumber('x64', 'iopl')).toBe(172);
});

test('every number is used', () => {
  const folder = fileURLToPath(new URL('../../../src', import.meta.url));
  const sources = (readdirSync(folder, { recursive: true }) as string[])
    .filter((path) => path.endsWith('.ts') && !path.endsWith('numbers.ts'))
    .map((path) => readFileSync(join(folder, path), 'utf8'))
    .join('\n');
  expect(syscallNames.filter((name) => !sources.includes(`'${name}'`))).toEqual([]);
});
