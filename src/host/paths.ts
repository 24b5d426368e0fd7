import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import type { PathFact } from '../domain/facts.ts';

/** As many links as the kernel follows in one path (path_resolution(7)). */
const maxLinks = 40;

/**
 * What an absolute path is, and every symbolic link on the way to it. Reads nothing but directory entries. `folders` remembers those that
 * are no links, for several looks at one moment.
 */
export const probePath = (path: string, folders = new Set<string>()): PathFact => {
  const links: string[] = [];
  let done = '/';
  let rest = path.split('/').filter(Boolean);
  while (rest.length > 0) {
    const [name, ...after] = rest as [string, ...string[]];
    rest = after;
    if (name === '.') continue;
    if (name === '..') {
      if (kindAt(done) !== 'dir') return { kind: 'missing', errno: 'ENOTDIR', links };
      done = dirname(done); // `done` has no links, so this is the kernel's parent too
      continue;
    }
    const next = done === '/' ? `/${name}` : `${done}/${name}`;
    if (folders.has(next)) {
      done = next;
      continue;
    }
    const link = probeLink(next);
    if (link.kind === 'failed') return { kind: 'missing', errno: link.errno, links };
    if (link.kind !== 'link') {
      if (rest.length === 0) return { kind: link.kind, real: next, links };
      folders.add(next);
      done = next;
      continue;
    }
    links.push(next);
    if (links.length > maxLinks) return { kind: 'missing', errno: 'ELOOP', links };
    if (link.text.startsWith('/')) done = '/';
    rest = [...link.text.split('/').filter(Boolean), ...rest];
  }
  return { kind: kindAt(done), real: done, links };
};

type Errno = Extract<PathFact, { kind: 'missing' }>['errno'];

const probeLink = (
  path: string,
): { kind: 'failed'; errno: Errno } | { kind: 'link'; text: string } | { kind: Kind } => {
  try {
    const entry = lstatSync(path, { throwIfNoEntry: false });
    if (entry === undefined) return { kind: 'failed', errno: 'ENOENT' };
    return entry.isSymbolicLink() ? { kind: 'link', text: readlinkSync(path) } : { kind: kindOf(entry) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { kind: 'failed', errno: code === 'EACCES' || code === 'ENOTDIR' || code === 'ELOOP' ? code : 'ENOENT' };
  }
};

type Kind = 'file' | 'dir' | 'other';

const kindOf = (entry: Stats | undefined): Kind => {
  if (entry?.isDirectory()) return 'dir';
  return entry?.isFile() ? 'file' : 'other';
};

const kindAt = (path: string): Kind => kindOf(lstatSync(path, { throwIfNoEntry: false }));
