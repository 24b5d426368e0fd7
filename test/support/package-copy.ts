import { chmodSync, cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const source = fileURLToPath(new URL('../..', import.meta.url));
const shipped = ['bin', 'dist', 'profiles', 'package.json'];
let copy: string | undefined;

afterAll(() => {
  if (copy !== undefined) rmSync(copy, { recursive: true, force: true });
  copy = undefined;
});

/**
 * The folder of the built package, as npm would install it: a copy that every user can read and that a build at the same time does
 * not change. Made once for each test file.
 */
export const builtPackage = (): string => {
  if (copy !== undefined) return copy;
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sbox-package-')));
  chmodSync(folder, 0o755);
  for (const name of shipped) cpSync(join(source, name), join(folder, name), { recursive: true });
  copy = folder;
  return folder;
};
