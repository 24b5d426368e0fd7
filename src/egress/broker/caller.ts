import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { O_CLOEXEC, O_NONBLOCK } from '../../syscall/constants.ts';

/** A system call that waits for its answer: struct seccomp_notif (seccomp_unotify(2)). */
export interface TrappedCall {
  readonly id: bigint;
  /** the calling thread, in the launcher's PID namespace */
  readonly pid: number;
  readonly number: number;
  readonly args: readonly bigint[];
}

export const parseTrappedCall = (bytes: Buffer): TrappedCall => ({
  id: bytes.readBigUInt64LE(0),
  pid: bytes.readUInt32LE(8),
  number: bytes.readInt32LE(16),
  args: Array.from({ length: 6 }, (_, index) => bytes.readBigUInt64LE(32 + 8 * index)),
});

/**
 * A copy of a caller's memory, as far as it can be read. The caller may be gone and its id another's: an answer for it then fails, so that
 * nothing comes of what was read. Throws if nothing can be read.
 */
export const readMemory = (pid: number, address: bigint, bytes: number): Buffer => {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const copy = Buffer.alloc(bytes);
    return copy.subarray(0, readSync(memory, copy, 0, bytes, address));
  } finally {
    closeSync(memory);
  }
};

export interface DescriptorFlags {
  readonly nonBlocking: boolean;
  readonly closeOnExec: boolean;
}

/** The flags of a caller's descriptor (proc(5), fdinfo). Throws if it has none of this number. */
export const readFlags = (pid: number, descriptor: number): DescriptorFlags => {
  const text = readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'latin1');
  const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(text)?.[1] ?? '0', 8);
  return { nonBlocking: (flags & O_NONBLOCK) !== 0, closeOnExec: (flags & O_CLOEXEC) !== 0 };
};

/** Beyond so many descriptors, duplicates of one are not looked for. */
const manyDescriptors = 256;

/** The caller's descriptors of the same socket: this one, last, and its duplicates (dup(2)) in that process. */
export const readDuplicates = (pid: number, descriptor: number): number[] => {
  const folder = `/proc/${pid}/fd`;
  const all = readdirSync(folder);
  if (all.length > manyDescriptors) return [descriptor];
  const socket = readlinkSync(`${folder}/${descriptor}`);
  const same = all.map(Number).filter((other) => other !== descriptor && linkOf(`${folder}/${other}`) === socket);
  return [...same, descriptor];
};

const linkOf = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed meanwhile
  }
};

/** The inode of a caller's socket; undefined if the descriptor is none. */
export const readSocketInode = (pid: number, descriptor: number): number | undefined => {
  const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${descriptor}`) ?? '')?.[1];
  return inode === undefined ? undefined : Number(inode);
};

export const readWorkingDirectory = (pid: number): string => readlinkSync(`/proc/${pid}/cwd`);

export const readNetworkNamespace = (pid: number): string => readlinkSync(`/proc/${pid}/ns/net`);

/** Whether a process descends from another one. */
export const isDescendant = (pid: number, ancestor: number): boolean => {
  for (let at = pid; at > 1; at = parentOf(at)) if (at === ancestor) return true;
  return false;
};

/** The fourth field of /proc/PID/stat; the second, in brackets, may hold anything (proc(5)). */
const parentOf = (pid: number): number => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
};

/** The inodes of the sockets that listen at a port of any address, from /proc/net/tcp and tcp6 (proc_net_tcp(5)). */
export const readListeners = (port: number): number[] => {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    readFileSync(path, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((field) => field[3] === '0A' && field[1]?.endsWith(`:${wanted}`))
      .map((field) => Number(field[9])),
  );
};
