import { readFileSync } from 'node:fs';
import { type Arch, type SyscallName, syscallNumber } from '../../src/syscall/numbers.ts';

/** Every call that src/syscall/numbers.ts has a number for on some architecture. */
export const syscallNames: readonly SyscallName[] = [
  ...readFileSync(new URL('../../src/syscall/numbers.ts', import.meta.url), 'utf8').matchAll(
    /^ {2}(\w+): \[(?:\d+|null), (?:\d+|null)\],$/gm,
  ),
].map(([, name]) => name as SyscallName);

/** The name of a call by its number. */
export const syscallName = (arch: Arch, number: number): SyscallName | undefined =>
  syscallNames.find((name) => syscallNumber(arch, name) === number);
