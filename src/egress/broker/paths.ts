import { readlinkSync } from 'node:fs';
import { AF_UNIX, AT_FDCWD } from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { type PathCall, parseOpenHow, pathCalls } from '../../syscall/path-calls.ts';
import { letContinue } from './answer.ts';
import { type Act, CallError, readMemory, type TrappedCall } from './caller.ts';
import type { BrokerLink } from './link.ts';
import { type AskedPath, resolveShown, type ShownPaths } from './resolve-path.ts';

/** What exists for the sandbox's command: these host paths, absolute and without links, what lies below them, and the way to them. */
export interface VisiblePaths {
  readonly roots: readonly string[];
  /** whether the calls that take a path are handed over, and do not tell of anything else */
  readonly hides: boolean;
}

/**
 * Hides what was not declared from the calls that take a path: ENOENT instead of what the host would tell. The call goes on if the path is
 * visible, so a thread that changes the path at that moment may still learn that something exists; what is in it is Landlock's.
 */
export const pathActs = (link: BrokerLink, arch: Arch, shown: ShownPaths): readonly (readonly [number, Act])[] =>
  [...pathCalls(arch)].map(([number, paths]) => [
    number,
    async (call) => {
      for (const path of paths) refuseHidden(arch, call, path, shown);
      letContinue(link, call.id);
    },
  ]);

const refuseHidden = (arch: Arch, call: TrappedCall, path: PathCall, shown: ShownPaths): void => {
  const asked = readPath(arch, call, path);
  if (asked === undefined) return;
  const resolved = resolveShown(asked, shown);
  if (resolved === undefined) throw new CallError('ENOENT');
  if (path.tellsNames && !shown.showsAllIn(resolved)) throw new CallError('EACCES');
};

/** Whether what a bind(2) names is visible, if it is the path of a unix socket. */
export const isBoundVisible = ({ pid, args }: TrappedCall, shown: ShownPaths): boolean => {
  const length = Math.min(128, Number(args[2]));
  const address = readMemory(pid, args[1] ?? 0n, length);
  if (address.length < length) throw new CallError('EFAULT');
  if (length <= 2 || address.readUInt16LE(0) !== AF_UNIX || address[2] === 0) return true;
  const end = address.indexOf(0, 2);
  const text = address.toString('latin1', 2, end < 0 ? length : end);
  const from = text.startsWith('/') ? '/' : readFolder(pid, AT_FDCWD);
  return from === undefined || resolveShown({ text, from, follows: false, pid }, shown) !== undefined;
};

/** The path that a call names; undefined for none: the kernel answers that itself. */
const readPath = (arch: Arch, { pid, args }: TrappedCall, path: PathCall): AskedPath | undefined => {
  const address = args[path.argument] ?? 0n;
  if (address === 0n) return undefined; // of the descriptor: futimens(3), statx(2)
  const text = readText(pid, address);
  if (text === '') return undefined;
  const how = path.how === undefined ? undefined : parseOpenHow(arch, readMemory(pid, args[path.how] ?? 0n, 24));
  const folder = path.at === undefined ? AT_FDCWD : Number(BigInt.asIntN(32, args[path.at] ?? 0n));
  const from = text.startsWith('/') && !how?.inRoot ? '/' : readFolder(pid, folder);
  if (from === undefined) return undefined;
  return { text, from, follows: how?.follows ?? path.follows(args), pid, ...(how?.inRoot && { root: from }) };
};

/** PATH_MAX (limits.h), with the byte that ends it; most paths are much shorter. */
const longestPath = 4096;
const shortRead = 256;

const readText = (pid: number, address: bigint): string => {
  for (const wanted of [shortRead, longestPath]) {
    const bytes = readMemory(pid, address, wanted);
    const end = bytes.indexOf(0);
    if (end >= 0) return bytes.toString('latin1', 0, end);
    // the kernel may be able to read on for the caller: memfd_secret(2) is nobody else's
    if (bytes.length < wanted) throw new CallError('EFAULT');
  }
  throw new CallError('ENAMETOOLONG');
};

/** The path of a caller's folder; undefined if it has no descriptor of this number, or it is no file. */
const readFolder = (pid: number, folder: number): string | undefined => {
  try {
    const text = readlinkSync(`/proc/${pid}/${folder === AT_FDCWD ? 'cwd' : `fd/${folder}`}`, 'latin1');
    return text.startsWith('/') ? text : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};
