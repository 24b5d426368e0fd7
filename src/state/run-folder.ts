import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasEnded, ownIdentity, type ProcessIdentity } from './process-identity.ts';
import { removeTree } from './remove-tree.ts';
import { ensurePrivateFolder } from './write-atomically.ts';

/** A run that was killed between making its folder and naming itself leaves it without an owner for longer than this. */
const namelessMs = 10_000;

/** Makes a folder for this process's run, and removes those beside it whose run has ended without removing its own. */
export const openRunFolder = async (path: string): Promise<void> => {
  ensurePrivateFolder(path);
  writeFileSync(join(path, 'owner.json'), JSON.stringify(ownIdentity()), { mode: 0o600 });
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    const other = join(folder, name);
    if (other !== path && isAbandoned(other)) await removeTree(other);
  }
};

const isAbandoned = (path: string): boolean => {
  try {
    return hasEnded(JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8')) as ProcessIdentity);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return false; // closed by its command: in use, as far as one can tell
    const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    return made !== undefined && Date.now() - made > namelessMs;
  }
};
