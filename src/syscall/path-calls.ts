import { type Arch, type SyscallName, syscallNumber } from './numbers.ts';

/** Where a call holds a path. */
export interface PathCall {
  /** the argument with the folder's descriptor that a relative path starts from; absent: the working directory */
  readonly at?: number;
  /** the argument with the path */
  readonly argument: number;
  /** whether a link at the end is followed */
  readonly follows: (args: readonly bigint[]) => boolean;
  /** whether it tells the names of what lies in a folder */
  readonly tellsNames?: true;
  /** the argument with a struct open_how, which says that and more */
  readonly how?: number;
}

/** What struct open_how (openat2(2)) says of a path: flags, mode, resolve. */
export const parseOpenHow = (arch: Arch, bytes: Buffer): { readonly follows: boolean; readonly inRoot: boolean } => ({
  follows: (bytes.readBigUInt64LE(0) & O_NOFOLLOW[arch]) === 0n,
  inRoot: (bytes.readBigUInt64LE(16) & RESOLVE_IN_ROOT) !== 0n,
});

const always = (): boolean => true;
const never = (): boolean => false;
/** fcntl.h, linux/openat2.h */
const unless =
  (argument: number, flag: bigint) =>
  (args: readonly bigint[]): boolean =>
    ((args[argument] ?? 0n) & flag) === 0n;
const O_NOFOLLOW = { x64: 0o400000n, arm64: 0o100000n };
const RESOLVE_IN_ROOT = 0x10n;
const AT_SYMLINK_NOFOLLOW = 0x100n;
const AT_SYMLINK_FOLLOW = 0x400n;

/** The calls that tell whether a path exists, of x86-64 and AArch64 (the latter lacks those without a folder). */
const calls = (arch: Arch): readonly (readonly [SyscallName, PathCall])[] => [
  ['open', { argument: 0, follows: unless(1, O_NOFOLLOW[arch]) }],
  ['creat', { argument: 0, follows: always }],
  ['openat', { at: 0, argument: 1, follows: unless(2, O_NOFOLLOW[arch]) }],
  ['openat2', { at: 0, argument: 1, follows: always, how: 2 }],
  ['stat', { argument: 0, follows: always }],
  ['lstat', { argument: 0, follows: never }],
  ['newfstatat', { at: 0, argument: 1, follows: unless(3, AT_SYMLINK_NOFOLLOW) }],
  ['statx', { at: 0, argument: 1, follows: unless(2, AT_SYMLINK_NOFOLLOW) }],
  ['statfs', { argument: 0, follows: always }],
  ['access', { argument: 0, follows: always }],
  ['faccessat', { at: 0, argument: 1, follows: always }],
  ['faccessat2', { at: 0, argument: 1, follows: unless(3, AT_SYMLINK_NOFOLLOW) }],
  ['readlink', { argument: 0, follows: never }],
  ['readlinkat', { at: 0, argument: 1, follows: never }],
  ['execve', { argument: 0, follows: always }],
  ['execveat', { at: 0, argument: 1, follows: unless(4, AT_SYMLINK_NOFOLLOW) }],
  ['chdir', { argument: 0, follows: always }],
  ['truncate', { argument: 0, follows: always }],
  ['chmod', { argument: 0, follows: always }],
  ['fchmodat', { at: 0, argument: 1, follows: always }],
  ['fchmodat2', { at: 0, argument: 1, follows: unless(3, AT_SYMLINK_NOFOLLOW) }],
  ['chown', { argument: 0, follows: always }],
  ['lchown', { argument: 0, follows: never }],
  ['fchownat', { at: 0, argument: 1, follows: unless(4, AT_SYMLINK_NOFOLLOW) }],
  ['utime', { argument: 0, follows: always }],
  ['utimes', { argument: 0, follows: always }],
  ['futimesat', { at: 0, argument: 1, follows: always }],
  ['utimensat', { at: 0, argument: 1, follows: unless(3, AT_SYMLINK_NOFOLLOW) }],
  ['getxattr', { argument: 0, follows: always }],
  ['lgetxattr', { argument: 0, follows: never }],
  ['listxattr', { argument: 0, follows: always }],
  ['llistxattr', { argument: 0, follows: never }],
  ['setxattr', { argument: 0, follows: always }],
  ['lsetxattr', { argument: 0, follows: never }],
  ['removexattr', { argument: 0, follows: always }],
  ['lremovexattr', { argument: 0, follows: never }],
  ['getxattrat', { at: 0, argument: 1, follows: unless(2, AT_SYMLINK_NOFOLLOW) }],
  ['setxattrat', { at: 0, argument: 1, follows: unless(2, AT_SYMLINK_NOFOLLOW) }],
  ['listxattrat', { at: 0, argument: 1, follows: unless(2, AT_SYMLINK_NOFOLLOW) }],
  ['removexattrat', { at: 0, argument: 1, follows: unless(2, AT_SYMLINK_NOFOLLOW) }],
  ['file_getattr', { at: 0, argument: 1, follows: unless(4, AT_SYMLINK_NOFOLLOW) }],
  ['file_setattr', { at: 0, argument: 1, follows: unless(4, AT_SYMLINK_NOFOLLOW) }],
  ['mkdir', { argument: 0, follows: never }],
  ['mkdirat', { at: 0, argument: 1, follows: never }],
  ['mknod', { argument: 0, follows: never }],
  ['mknodat', { at: 0, argument: 1, follows: never }],
  ['rmdir', { argument: 0, follows: never }],
  ['unlink', { argument: 0, follows: never }],
  ['unlinkat', { at: 0, argument: 1, follows: never }],
  ['rename', { argument: 0, follows: never }],
  ['rename', { argument: 1, follows: never }],
  ['renameat', { at: 0, argument: 1, follows: never }],
  ['renameat', { at: 2, argument: 3, follows: never }],
  ['renameat2', { at: 0, argument: 1, follows: never }],
  ['renameat2', { at: 2, argument: 3, follows: never }],
  ['link', { argument: 0, follows: never }],
  ['link', { argument: 1, follows: never }],
  ['linkat', { at: 0, argument: 1, follows: (args) => ((args[4] ?? 0n) & AT_SYMLINK_FOLLOW) !== 0n }],
  ['linkat', { at: 2, argument: 3, follows: never }],
  ['symlink', { argument: 1, follows: never }],
  ['symlinkat', { at: 1, argument: 2, follows: never }],
  ['inotify_add_watch', { argument: 1, follows: always, tellsNames: true }],
  ['name_to_handle_at', { at: 0, argument: 1, follows: (args) => ((args[4] ?? 0n) & AT_SYMLINK_FOLLOW) !== 0n }],
];

/** The calls of an architecture that take a path, by number; some take two. */
export const pathCalls = (arch: Arch): ReadonlyMap<number, readonly PathCall[]> => {
  const found = new Map<number, PathCall[]>();
  for (const [name, path] of calls(arch)) {
    const number = syscallNumber(arch, name);
    if (number !== undefined) found.set(number, [...(found.get(number) ?? []), path]);
  }
  return found;
};
