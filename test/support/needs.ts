import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'vitest';

/** What a test may need of the machine: what it is for a person, and how to see that it is there. */
export interface Need {
  /** as in "needs WHAT" */
  readonly what: string;
  readonly isThere: () => boolean;
}

/** A program on PATH or in the system's directories. */
export const program = (name: string, fromPackage = name): Need => ({
  what: `${name} (Debian: ${fromPackage})`,
  isThere: () => findProgram(name) !== undefined,
});

export const file = (path: string, fromPackage: string): Need => ({
  what: `${path} (Debian: ${fromPackage})`,
  isThere: () => isReadable(path),
});

export const root: Need = { what: 'root', isThere: () => process.getuid?.() === 0 };

/** The absolute path of a program, looked for as a shell would and in the system's directories. */
export const findProgram = (name: string): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find((path) => isReadable(path, constants.X_OK));

/**
 * The `test` of a case that needs something of the machine. What is missing makes the case fail where CI is set, so that nothing is
 * skipped there in silence; elsewhere it is skipped, and the reason is printed.
 */
export const needs = (...wanted: readonly Need[]): typeof test => {
  const missing = wanted.filter(({ isThere }) => !isThere()).map(({ what }) => what);
  if (missing.length === 0) return test;
  const reason = `needs ${missing.join(', ')}`;
  if (process.env['CI']) return failing(reason);
  console.warn(`skipped: ${reason}`);
  return test.skip as unknown as typeof test;
};

const failing = (reason: string): typeof test =>
  ((name: string) =>
    test(name, () => {
      throw new Error(reason);
    })) as unknown as typeof test;

const isReadable = (path: string, mode = constants.R_OK): boolean => {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
};
