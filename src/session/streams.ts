import { fstatSync } from 'node:fs';
import { exitCode, SboxError } from '../domain/errors.ts';
import type { Stdio } from '../rungs/launch.ts';

/** Refuses a directory as a standard stream: whoever holds it can open what lies beside it (openat(2) with ".."). */
export const assertStreams = (stdio: Stdio): void => {
  stdio.forEach((entry, index) => {
    const fd = entry === 'inherit' ? index : entry;
    if (typeof fd !== 'number' || !isDirectory(fd)) return;
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: `cannot hand descriptor ${index} to the command: it is a directory`,
      cause: 'through it the command could open what was not declared',
      fix: 'redirect it from a file or /dev/null',
      exitCode: exitCode.usage,
    });
  });
};

const isDirectory = (fd: number): boolean => {
  try {
    return fstatSync(fd).isDirectory();
  } catch {
    return false; // closed
  }
};
