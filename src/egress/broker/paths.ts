import { realpathSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import { AT_FDCWD, ERRNO } from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { type PathCall, pathCalls } from '../../syscall/path-calls.ts';
import { answer, letContinue } from './answer.ts';
import { type Act, readDescriptorPath, readMemory, readWorkingDirectory, type TrappedCall } from './caller.ts';
import type { BrokerLink } from './link.ts';

/** What exists for the sandbox's command: these host paths, absolute and without links, what lies below them, and the way to them. */
export interface VisiblePaths {
  readonly roots: readonly string[];
}

/**
 * Hides what was not declared from the calls that take a path: ENOENT instead of what the host would tell. The call goes on if the path is
 * visible, so a thread that changes the path at that moment may still learn that something exists; what is in it is Landlock's.
 */
export const pathActs = (link: BrokerLink, arch: Arch, { roots }: VisiblePaths): readonly (readonly [number, Act])[] =>
  [...pathCalls(arch)].map(([number, paths]) => [
    number,
    async (call) => {
      const hidden = paths.some((path) => {
        const asked = readPath(call, path);
        return asked !== undefined && !isVisible(asked, path.follows(call.args), roots);
      });
      if (hidden) answer(link, call.id, { error: -ERRNO.ENOENT });
      else letContinue(link, call.id);
    },
  ]);

/** The absolute path that a call names; undefined for none: the kernel answers that itself. */
const readPath = ({ pid, args }: TrappedCall, { at, argument }: PathCall): string | undefined => {
  const bytes = readMemory(pid, args[argument] ?? 0n, longestPath);
  const end = bytes.indexOf(0);
  const text = bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  if (text === '') return undefined;
  if (isAbsolute(text)) return forCaller(text, pid);
  const folder = at === undefined ? AT_FDCWD : Number(BigInt.asIntN(32, args[at] ?? 0n));
  const base = folder === AT_FDCWD ? readWorkingDirectory(pid) : readDescriptorPath(pid, folder);
  return base === undefined ? undefined : forCaller(join(base, text), pid);
};

/** PATH_MAX (limits.h). */
const longestPath = 4096;

/** /proc/self is the caller's, not the launcher's. */
const forCaller = (path: string, pid: number): string =>
  normalize(path).replace(/^\/proc\/(?:self|thread-self)(?=\/|$)/, `/proc/${pid}`);

/** Whether a path is visible, both as it is written and as it turns out behind its links. */
export const isVisible = (path: string, follows: boolean, roots: readonly string[]): boolean => {
  if (!isShown(path, roots)) return false;
  const [folder, name] = [path.slice(0, path.lastIndexOf('/')) || '/', path.slice(path.lastIndexOf('/') + 1)];
  const real = follows ? realPath(path) : undefined;
  if (real !== undefined) return isShown(real, roots);
  // a link itself, or what does not exist yet, is where its folder is
  const parent = realPath(folder);
  return parent === undefined || isShown(join(parent, name), roots);
};

const isShown = (path: string, roots: readonly string[]): boolean =>
  roots.some((root) => path === root || path.startsWith(root === '/' ? root : `${root}/`) || isOnTheWay(path, root));

const isOnTheWay = (path: string, root: string): boolean => path === '/' || root.startsWith(`${path}/`);

const realPath = (path: string): string | undefined => {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
};
