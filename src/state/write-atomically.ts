import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { SboxError } from '../domain/errors.ts';

/** Replaces a state file as a whole (mode 0600): a reader, or a crash, sees the old content or the new. */
export const writeAtomically = (path: string, content: string): void => {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    // 1. the content is on the disk before the name leads to it
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    // 2. the name
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw stateError('write', path, error);
  }
};

/** Makes a folder of the state directory, private to the user (mode 0700), also if it was there and wider open. */
export const ensurePrivateFolder = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if ((statSync(path).mode & 0o777) !== 0o700) chmodSync(path, 0o700);
  } catch (error) {
    throw stateError('make', path, error);
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
  });
