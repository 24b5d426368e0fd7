import { lstatSync, readlinkSync } from 'node:fs';
import { parentOf } from '../../domain/path.ts';

/** A path that a call names. Each character of these strings is a byte: a name need not be UTF-8. */
export interface AskedPath {
  readonly text: string;
  /** where a relative path starts: absolute, without links */
  readonly from: string;
  /** what stands for `/` and is not left, if it is not that (openat2(2), RESOLVE_IN_ROOT) */
  readonly root?: string;
  /** whether a link at the end is followed */
  readonly follows: boolean;
  /** the caller */
  readonly pid: number;
}

/** What exists for the sandbox's command, asked with absolute paths without links. */
export interface ShownPaths {
  readonly shows: (path: string) => boolean;
  /** whether it shows all that lies in a folder, too: not so on the way to what was declared */
  readonly showsAllIn: (path: string) => boolean;
}

/** Shows these paths, what lies below them, and the way to them. */
export const shownBy = (paths: readonly string[]): ShownPaths => {
  const roots = new Set(paths.map((path) => Buffer.from(path).toString('latin1')));
  const way = new Set(['/']);
  for (const root of roots) for (let at = parentOf(root); at !== '/'; at = parentOf(at)) way.add(at);
  const showsAllIn = (path: string): boolean => {
    if (roots.has('/')) return true;
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
      if (roots.has(path.slice(0, end))) return true;
    return false;
  };
  return { shows: (path) => way.has(path) || showsAllIn(path), showsAllIn };
};

/** The most links that the kernel follows (path_resolution(7)). */
const mostLinks = 40;

/**
 * Where a path leads, in the steps that the kernel takes (path_resolution(7)): `..` leads up from what a link has led to. Undefined if one of
 * them is not shown; where there is nothing, that is the end. Throws where the kernel could go on though nobody can tell here where to.
 */
export const resolveShown = (asked: AskedPath, shown: ShownPaths): string | undefined => {
  const { text, from, root = '/', follows, pid } = asked;
  const rest = text.split('/').reverse();
  let at = text.startsWith('/') ? root : from;
  if (!shown.shows(at)) return undefined;
  for (let links = 0; links <= mostLinks; ) {
    const name = rest.pop();
    if (name === undefined) return at;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at !== root) at = parentOf(at);
      continue;
    }
    const next = at === '/' ? `/${name}` : `${at}/${name}`;
    if (!shown.shows(next)) return undefined;
    // a slash behind it, or a dot, has the kernel follow in any case
    if (rest.length === 0 && (!follows || isHeld(next, pid))) return next;
    const found = lookAt(next, pid);
    if (found === 'nothing') return next;
    if (found === 'no way') return undefined;
    if (found === 'no link') at = next;
    else {
      links += 1;
      rest.push(...found.text.split('/').reverse());
      if (found.text.startsWith('/')) at = root;
    }
  }
  return at; // ELOOP
};

/** What a process has open, runs or is in is no news to it; nor need it have a path (memfd_create(2)). */
const isHeld = (path: string, pid: number): boolean => {
  if (!path.startsWith(`/proc/${pid}/`)) return false;
  const name = path.slice(`/proc/${pid}/`.length);
  return /^(?:task\/\d+\/)?(?:fd\/\d+|exe|cwd|root)$/.test(name);
};

/** `nothing`: the kernel ends here, too; `no way`: the caller may have one where the launcher has none. */
type Found = { readonly text: string } | 'no link' | 'nothing' | 'no way';

const lookAt = (path: string, pid: number): Found => {
  if (path === '/proc/self') return { text: `${pid}` };
  if (path === '/proc/thread-self') return { text: `${pid}/task/${pid}` };
  try {
    const bytes = Buffer.from(path, 'latin1');
    const entry = lstatSync(bytes, { throwIfNoEntry: false });
    if (entry === undefined) return 'nothing';
    return entry.isSymbolicLink() ? { text: readlinkSync(bytes, 'latin1') } : 'no link';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return 'nothing';
    if (code !== 'EACCES') throw error;
    // the command may do no more than the launcher, but for what is its own in /proc (ptrace(2), access mode checking)
    return path.startsWith('/proc/') ? 'no way' : 'nothing';
  }
};
