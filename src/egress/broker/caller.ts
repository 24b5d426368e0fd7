import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { type ERRNO, O_CLOEXEC, O_NONBLOCK } from '../../syscall/constants.ts';

/** A system call that waits for its answer: struct seccomp_notif (seccomp_unotify(2)). */
export interface TrappedCall {
  readonly id: bigint;
  /** the calling thread, in the launcher's PID namespace */
  readonly pid: number;
  readonly number: number;
  readonly args: readonly bigint[];
}

/** A trapped call fails with this. */
export class CallError extends Error {
  readonly code: keyof typeof ERRNO;

  constructor(code: keyof typeof ERRNO) {
    super(`the call fails with ${code}`);
    this.code = code;
  }
}

/** What the broker does about one kind of call. */
export type Act = (call: TrappedCall) => Promise<void>;

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

/** A process's descriptor, in the launcher's PID namespace. */
export interface CallersSocket {
  readonly pid: number;
  readonly descriptor: number;
}

export interface DescriptorFlags {
  readonly nonBlocking: boolean;
  readonly closeOnExec: boolean;
}

/** The flags of a caller's descriptor (proc(5), fdinfo). Throws if it has none of this number. */
export const readFlags = (pid: number, descriptor: number): DescriptorFlags =>
  parseFlags(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'latin1'));

/** Throws if the text tells of none: there was no such descriptor. */
export const parseFlags = (text: string): DescriptorFlags => {
  const octal = /^flags:\s*([0-7]+)/m.exec(text)?.[1];
  if (octal === undefined) throw new CallError('ENOENT');
  const flags = Number.parseInt(octal, 8);
  return { nonBlocking: (flags & O_NONBLOCK) !== 0, closeOnExec: (flags & O_CLOEXEC) !== 0 };
};

/** Of more descriptors than these the lowest alone are looked at. */
export const manyDescriptors = 128;

/** What has to be known of a caller for its socket to be replaced by another. */
export interface CallersUse extends DescriptorFlags {
  /** the descriptor, last, and its duplicates (dup(2)) in that process */
  readonly targets: readonly number[];
  /** where the process waits for them */
  readonly epolls: readonly EpollEntry[];
  readonly process: ProcessIds;
}

/** Throws if the caller has no descriptor of this number. */
export const readUse = (pid: number, descriptor: number): CallersUse => {
  const flags = readFlags(pid, descriptor);
  const folder = `/proc/${pid}/fd`;
  const all = readdirSync(folder).map(Number);
  const looked = all.length > manyDescriptors ? [...all.slice(0, manyDescriptors), descriptor] : all;
  const links = looked.flatMap((number) => ({ number, link: linkOf(`${folder}/${number}`) ?? '' }));
  const process = parseProcessIds(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (process === undefined) throw new CallError('ESRCH');
  return useOf({ pid, descriptor, flags, links, process });
};

/** What was seen of a process's descriptors. */
export interface SeenDescriptors {
  readonly pid: number;
  readonly descriptor: number;
  readonly flags: DescriptorFlags;
  readonly links: readonly { readonly number: number; readonly link: string }[];
  readonly process: ProcessIds;
}

export const useOf = ({ pid, descriptor, flags, links, process }: SeenDescriptors): CallersUse => {
  const own = links.find(({ number }) => number === descriptor)?.link;
  const same = links.filter(({ number, link }) => link === own && number !== descriptor).map(({ number }) => number);
  const targets = [...same, descriptor];
  const epolls = links
    .filter(({ link }) => link === 'anon_inode:[eventpoll]')
    .flatMap(({ number }) => parseEpoll(number, readText(`/proc/${pid}/fdinfo/${number}`)))
    .filter(({ target }) => targets.includes(target));
  return { ...flags, targets, epolls, process };
};

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // closed meanwhile
  }
};

/** A registration of one of a caller's sockets with epoll(7), from proc_pid_fdinfo(5): a program may register one before it connects it. */
export interface EpollEntry {
  /** the caller's descriptor of the epoll instance, and that of the socket */
  readonly epoll: number;
  readonly target: number;
  readonly events: number;
  readonly data: bigint;
}

const parseEpoll = (epoll: number, text: string): EpollEntry[] =>
  [...text.matchAll(/^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)/gm)].map(
    ([, target, events = '0', data = '0']) => ({
      epoll,
      target: Number(target),
      events: Number.parseInt(events, 16),
      data: BigInt(`0x${data}`),
    }),
  );

/** A process as its thread group leader: in the launcher's PID namespace and in the innermost. */
export interface ProcessIds {
  readonly outer: number;
  readonly inner: number;
}

/** From proc_pid_status(5); undefined if the text does not reach so far. */
export const parseProcessIds = (text: string): ProcessIds | undefined => {
  const [outer, inner] = [/^Tgid:\s*(\d+)$/m, /^NStgid:.*?(\d+)\n/m].map((line) => line.exec(text)?.[1]);
  return outer === undefined || inner === undefined ? undefined : { outer: Number(outer), inner: Number(inner) };
};

export const linkOf = (path: string): string | undefined => {
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

/** The path of a caller's descriptor; undefined if it has none of this number, or it is no file. */
export const readDescriptorPath = (pid: number, descriptor: number): string | undefined => {
  const path = linkOf(`/proc/${pid}/fd/${descriptor}`);
  return path?.startsWith('/') ? path : undefined;
};

/** Whether a process descends from another one. */
export const isDescendant = (pid: number, ancestor: number): boolean => {
  for (let at = pid; at > 1; at = parentOf(at)) if (at === ancestor) return true;
  return false;
};

/** Whether a process that descends from another one has the socket of this inode. */
export const holdsSocket = (ancestor: number, inode: number): boolean =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isDescendant(Number(name), ancestor))
    .some((pid) => listDescriptors(pid).some((number) => linkOf(`/proc/${pid}/fd/${number}`) === `socket:[${inode}]`));

const listDescriptors = (pid: string): string[] => {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return []; // gone, or a supervisor
  }
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
