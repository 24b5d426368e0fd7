import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Everything below a folder as lines of text: path, kind, mode, owner and what is in it. Equal listings: nothing was changed. */
export const listing = (folder: string, path = ''): string[] => {
  let names: string[];
  try {
    names = readdirSync(join(folder, path)).sort();
  } catch (error) {
    return [`${path}: ${(error as NodeJS.ErrnoException).code}`];
  }
  return names.flatMap((name) => {
    const below = join(path, name);
    const entry = lstatSync(join(folder, below));
    const line = `${below} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid}`;
    if (entry.isDirectory()) return [line, ...listing(folder, below)];
    if (entry.isSymbolicLink()) return [`${line} -> ${readlinkSync(join(folder, below))}`];
    return [entry.isFile() ? `${line} ${entry.size} ${entry.mtimeMs} ${hashOf(join(folder, below))}` : line];
  });
};

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
