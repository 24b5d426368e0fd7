import { chmodSync, closeSync, constants, lstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** open(2); Node does not name it */
const O_PATH = 0o10000000;

/**
 * Removes a folder of the state directory, which a command may have filled, and may be changing still: every name is reached
 * through its open parent (/proc/self/fd/N/name), no link is followed, and a folder without permissions is given them. Does
 * nothing if it is not there; throws Node's file-system errors.
 */
export const removeTree = async (path: string): Promise<void> => {
  let parent: number;
  try {
    parent = openSync(dirname(path), O_RDONLY | O_DIRECTORY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    removeName(parent, basename(path));
  } finally {
    closeSync(parent);
  }
};

const removeName = (parent: number, name: string): void => {
  const path = join(`/proc/self/fd/${parent}`, name);
  for (let attempt = 0; lstatSync(path, { throwIfNoEntry: false }) !== undefined; attempt++) {
    const folder = openFolder(path);
    try {
      if (folder === undefined) unlinkSync(path);
      else {
        for (const inner of readdirSync(`/proc/self/fd/${folder}`)) removeName(folder, inner);
        rmdirSync(path);
      }
      return;
    } catch (error) {
      // it was swapped for something else, or filled again, by whoever still runs in it
      const swapped = ['EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'ENOENT', 'EPERM'].includes(
        (error as NodeJS.ErrnoException).code ?? '',
      );
      if (!swapped || attempt >= 10) throw error;
    } finally {
      if (folder !== undefined) closeSync(folder);
    }
  }
};

/** A folder, open for reading whatever its mode is; undefined for anything else, links among it. */
const openFolder = (path: string): number | undefined => {
  let pinned: number;
  try {
    pinned = openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const self = `/proc/self/fd/${pinned}`;
    chmodSync(self, 0o700);
    return openSync(self, O_RDONLY | O_DIRECTORY);
  } finally {
    closeSync(pinned);
  }
};
