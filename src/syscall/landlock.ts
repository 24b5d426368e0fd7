/** Access rights of Landlock (linux/landlock.h), by the version of its interface that brought them. */
const fileRights = {
  EXECUTE: 1 << 0,
  WRITE_FILE: 1 << 1,
  READ_FILE: 1 << 2,
  TRUNCATE: 1 << 14,
  IOCTL_DEV: 1 << 15,
} as const;
const READ_DIR = 1 << 3;
/** REMOVE_DIR, REMOVE_FILE, MAKE_CHAR … MAKE_SYM, and REFER since version 2 */
const changeDirectory = 0x1ff0;
const REFER = 1 << 13;

export type LandlockAccess = 'ro' | 'rw' | 'device';

/** All file-system rights that a version knows: what a ruleset takes charge of. */
export const handledRights = (abi: number): number =>
  fileRights.EXECUTE |
  fileRights.WRITE_FILE |
  fileRights.READ_FILE |
  READ_DIR |
  changeDirectory |
  (abi >= 2 ? REFER : 0) |
  (abi >= 3 ? fileRights.TRUNCATE : 0) |
  (abi >= 5 ? fileRights.IOCTL_DEV : 0);

/** The right to move a file to another directory; since version 2. */
export const movingRight = REFER;

/** The right to read a file. */
export const readingRight = fileRights.READ_FILE;

/** The rights that a rule for a file, rather than a directory, may have. */
export const fileRightsOnly = Object.values(fileRights).reduce((all, right) => all | right, 0);

/** The rights to write to files that exist; with REFER, without which a ruleset forbids moving a file to another directory. */
export const changingRights = (abi: number): number =>
  handledRights(abi) & (fileRights.WRITE_FILE | fileRights.TRUNCATE | REFER);

/** The rights of a rule: `ro` reads and executes, `rw` does all but ioctls on devices, `device` reads, writes and has those. */
export const allowedRights = (abi: number, access: LandlockAccess, type: 'file' | 'dir'): number => {
  const reading = fileRights.EXECUTE | fileRights.READ_FILE | READ_DIR;
  const writing = handledRights(abi) & ~fileRights.IOCTL_DEV;
  const device = fileRights.READ_FILE | fileRights.WRITE_FILE | fileRights.TRUNCATE | fileRights.IOCTL_DEV;
  const wanted = access === 'ro' ? reading : access === 'rw' ? writing : device;
  return wanted & handledRights(abi) & (type === 'file' ? fileRightsOnly : -1);
};

/** Bytes of struct landlock_ruleset_attr that a version knows. */
export const rulesetBytes = (abi: number): number => (abi >= 6 ? 24 : abi >= 4 ? 16 : 8);

/** Scopes (version 6): a sandboxed process can't connect to abstract sockets of, or signal, processes outside. */
export const scope = { ABSTRACT_UNIX_SOCKET: 1, SIGNAL: 2 } as const;
