import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SboxError } from '../domain/errors.ts';

/** Replaces a state file as a whole (mode 0600): a reader, or a crash, sees the old content or the new. */
export const writeAtomically = (path: string, content: string): void => {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    removeLeftovers(path);
    // 1. the content is on the disk before the name leads to it
    const fd = openSync(temporary, 'w', 0o600);
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

/** A writer needs milliseconds; a temporary file older than this is one of a process that was killed. */
const leftoverMs = 60_000;

const removeLeftovers = (path: string): void => {
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    const [, pid] = name.startsWith(`${basename(path)}.`) ? (/\.(\d+)\.tmp$/.exec(name) ?? []) : [];
    if (pid === undefined || Number(pid) === process.pid) continue;
    const age = Date.now() - (statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > leftoverMs || (age > 1_000 && !isRunning(Number(pid)))) rmSync(join(folder, name), { force: true });
  }
};

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Makes a folder of the state directory, private to the user (mode 0700), also if it was there and wider open. */
export const ensurePrivateFolder = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    assertOwn(path);
    if ((statSync(path).mode & 0o777) !== 0o700) chmodSync(path, 0o700);
  } catch (error) {
    throw error instanceof SboxError ? error : stateError('make', path, error);
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
