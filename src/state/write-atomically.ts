import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { SboxError } from '../domain/errors.ts';

/**
 * Replaces a state file as a whole (mode 0600): a reader, or a crash, sees the old content or the new. Of several writers at once one wins;
 * whoever must not lose takes a lock. The temporary name is always the same, so that what a killed writer left is used up by the next.
 */
export const writeAtomically = (path: string, content: string): void => {
  const temporary = `${path}.tmp`;
  try {
    // 1. the content is on the disk before the name leads to it
    const fd = openSync(temporary, 'w', 0o600);
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    // 2. the name
    renameOwn(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw stateError('write', path, error);
  }
};

/** Makes a folder of the state directory, private to the user (mode 0700), also if it was there and wider open. */
export const ensurePrivateFolder = (path: string): void => {
  try {
    makeFolders(path);
    assertOwn(path);
    if ((statSync(path).mode & 0o777) !== 0o700) chmodSync(path, 0o700);
  } catch (error) {
    throw error instanceof SboxError ? error : stateError('make', path, error);
  }
};

/** Node's own recursive mkdir never returns where a folder can't be made, as below /proc. */
const makeFolders = (path: string): void => {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
};

/** In a folder that others can write, such as /tmp, somebody else may have made the name first. */
const assertOwn = (path: string): void => {
  const entry = lstatSync(path);
  if (entry.isDirectory() && entry.uid === process.getuid?.()) return;
  throw new SboxError({
    code: 'SBOX_E_STATE',
    message: `cannot keep state in "${path}": it belongs to uid ${entry.uid}`,
    cause: entry.isDirectory() ? 'somebody else could change what sbox relies on' : 'it is not a directory',
    fix: 'name a folder of your own: XDG_STATE_HOME=/path/to/it',
  });
};

/** Another writer may have used the temporary file up; then the content is there, or about to be. */
const renameOwn = (temporary: string, path: string): void => {
  try {
    renameSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !existsSync(path)) throw error;
  }
};

const syncFolder = (path: string): void => {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

const stateError = (verb: string, path: string, error: unknown): SboxError =>
  new SboxError({
    code: 'SBOX_E_STATE',
    message: `cannot ${verb} "${path}": ${(error as NodeJS.ErrnoException).code ?? error}`,
    cause: 'sbox keeps sandboxes and what is trusted there',
    fix: 'name a folder that can be written: XDG_STATE_HOME=/path/to/it',
  });
