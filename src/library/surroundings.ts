import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the library takes from the process that it is part of. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** the folder of sbox's package */
  readonly packageDir: string;
}

/** Read when a sandbox is made, and never kept. */
export const findSurroundings = (): Surroundings => ({
  env: Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  ),
  cwd: process.cwd(),
  packageDir: findPackage(),
});

/** The bundle lies in its folder dist/. */
export const findPackage = (): string => dirname(dirname(fileURLToPath(import.meta.url)));
