import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasEnded, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/**
 * Says that this process has a run in the sandbox of this folder, until disposed; forgets those that were killed before they could. For
 * `sbox remove` to refuse: a run goes on where it can't be said, and a removal meanwhile does no harm outside the sandbox.
 */
export const openUse = (folder: string): Disposable => {
  const users = join(folder, 'users');
  const own = join(users, `${process.pid}-${uses++}`);
  try {
    mkdirSync(users, { recursive: true, mode: 0o700 });
    for (const path of listEnded(users)) forget(path);
    writeFileSync(own, JSON.stringify(ownIdentity()), { mode: 0o600 });
  } catch {
    // an earlier command has closed the folder to its own user
  }
  return { [Symbol.dispose]: () => forget(own) };
};

/** What can't be removed names a process that has ended: it is passed over and removed by the next run. */
const forget = (path: string): void => {
  try {
    rmSync(path, { force: true });
  } catch {
    // the command has closed the folder to its own user
  }
};

let uses = 0;

/** The process ids of the runs in the sandbox of this folder. */
export const listUsers = (folder: string): number[] => {
  const users = join(folder, 'users');
  const ended = listEnded(users);
  return listNames(users)
    .filter((name) => !ended.includes(join(users, name)))
    .map((name) => Number.parseInt(name, 10));
};

const listEnded = (users: string): string[] =>
  listNames(users)
    .map((name) => join(users, name))
    .filter((path) => {
      try {
        return hasEnded(JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity);
      } catch {
        return false; // just being written, or gone
      }
    });

const listNames = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};
