import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SboxError } from '../domain/errors.ts';
import { hasEnded, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** A held lock; disposing it releases it, a second time does nothing. */
export interface Lock {
  readonly path: string;
  [Symbol.dispose](): void;
}

/**
 * Takes the lock file at `path`, waiting at most `waitMs` (default 5000) for a running holder. The file of a holder
 * that has ended is removed. Errors: SBOX_E_STATE if the holder keeps it, or if the folder can't be written.
 */
export const openLock = async (path: string, waitMs = 5000): Promise<Lock> => {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const lock = create(path);
    if (lock !== undefined) return lock;
    if (await removeIfStale(path, deadline)) continue;
    if (Date.now() >= deadline) throw heldError(path);
    await sleep(5 + Math.random() * 15);
  }
};

/** What a lock file says; the nonce tells two locks of one process apart. */
interface Holder extends ProcessIdentity {
  readonly nonce: string;
}

/** A holder that died between creating its file and writing it leaves it empty for longer than this. */
const emptyGraceMs = 2000;

const create = (path: string): Lock | undefined => {
  const holder: Holder = { ...ownIdentity(), nonce: randomUUID() };
  try {
    const fd = openSync(path, 'wx', 0o600);
    try {
      writeSync(fd, JSON.stringify(holder));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw new SboxError({ code: 'SBOX_E_STATE', message: `cannot create the lock "${path}": ${codeOf(error)}` });
  }
  const release = (): void => removeIf(path, holder.nonce);
  // a process that was stopped for long before it wrote may have been taken for a dead one
  return readHolder(path)?.nonce === holder.nonce ? { path, [Symbol.dispose]: release } : undefined;
};

/**
 * Removes the file of an ended holder. Two processes may both see the same stale file, and the slower one must not
 * remove the lock that the faster one then took; so a second lock guards looking again and removing.
 */
const removeIfStale = async (path: string, deadline: number): Promise<boolean> => {
  if (!isStale(path)) return false;
  const guard = await openLock(`${path}.stale`, Math.max(0, deadline - Date.now()));
  try {
    if (isStale(path)) unlinkSync(path);
  } finally {
    guard[Symbol.dispose]();
  }
  return true;
};

const isStale = (path: string): boolean => {
  const holder = readHolder(path);
  if (holder !== undefined) return hasEnded(holder);
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return written !== undefined && Date.now() - written > emptyGraceMs;
};

const readHolder = (path: string): Holder | undefined => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
};

const removeIf = (path: string, nonce: string): void => {
  if (readHolder(path)?.nonce === nonce) unlinkSync(path);
};

const heldError = (path: string): SboxError => {
  const holder = readHolder(path);
  return new SboxError({
    code: 'SBOX_E_STATE',
    message: `cannot take the lock "${path}": it is held`,
    cause: holder === undefined ? 'its holder is starting or ending' : `process ${holder.pid} holds it`,
    fix: `wait for it; if it runs in a container that is gone: rm "${path}"`,
  });
};

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);
