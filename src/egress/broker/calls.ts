import { eventDataAt, known, reservedDescriptor } from '../../syscall/batch.ts';
import {
  AF_UNIX,
  AT_FDCWD,
  EPOLL_CTL_ADD,
  EPOLLIN,
  F_SETFL,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  O_CLOEXEC,
  O_NONBLOCK,
  O_PATH,
  SECCOMP_ADDFD_FLAG_SETFD,
  SECCOMP_IOCTL_NOTIF_ADDFD,
  SECCOMP_IOCTL_NOTIF_SEND,
  SECCOMP_USER_NOTIF_FLAG_CONTINUE,
  SHUT_RDWR,
  SO_BINDTODEVICE,
  SO_PEERCRED,
  SO_SNDTIMEO,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../../syscall/constants.ts';
import { descriptorMessage } from '../../syscall/descriptor-message.ts';
import type { Data, Label, Program, Slot } from '../../syscall/program.ts';
import type { BrokerLink } from './link.ts';

/** The protocol of a process's socket, as the kernel names it: TCP, TCPv6, UDP, UNIX-STREAM, UNIX...; undefined if it is no socket. */
export const askProtocol = async (link: BrokerLink, pid: number, descriptor: number): Promise<string | undefined> => {
  const found = await link.ask(32, (program, results) => {
    const path = program.string(`/proc/${pid}/fd/${descriptor}`);
    const name = program.string('system.sockprotoname'); // net/socket.c, sockfs_xattr_handlers
    program.call('getxattr', [path, name, program.at(results, 8), 24], {
      onFailure: 'ignore',
      into: program.valueAt(results),
    });
  });
  const length = Number(found.readBigInt64LE(0));
  return length > 0 ? found.toString('latin1', 8, 8 + length - 1) : undefined;
};

export interface ConnectQuestion {
  /** domain and type of the socket, as for socket(2) */
  readonly domain: number;
  readonly type: number;
  /** struct sockaddr */
  readonly address: Buffer;
  /** for a unix socket with a path: the path, absolute, in the broker's view; `address` is not used then */
  readonly path?: string;
  /** a socket of the broker's instead of a new one */
  readonly socket?: number;
}

export interface Connected {
  /** 0, or a negative errno(3) */
  readonly result: number;
  /** the broker's descriptor; absent if it could not be made */
  readonly socket?: number;
  /** the port at this end */
  readonly port: number;
  /** of a unix socket's other end; 0 if that lies outside of the broker's PID namespace */
  readonly peer: number;
}

/** No connection to this machine takes longer; one that does is asked for again. */
const patienceUs = 10_000;

/** Has the broker make a socket and connect it. */
export const askConnect = async (link: BrokerLink, question: ConnectQuestion): Promise<Connected> => {
  const found = await link.ask(64, (program, results) => {
    const done = program.label();
    const result = program.valueAt(results);
    const socket = program.valueAt(results, 8);
    program.and(-1, -1, socket);
    const address = addressFor(program, question, result, done);
    if (question.socket === undefined) {
      program.call('socket', [question.domain, question.type | SOCK_CLOEXEC, 0], { into: result, onFailure: done });
      program.and(result, -1, socket);
      if (question.domain !== AF_UNIX) setOption(program, socket, IPPROTO_TCP, TCP_NODELAY, [1], 4);
    } else program.and(question.socket, -1, socket);
    const before = program.words([0, 0]); // struct timeval
    getOption(program, socket, SO_SNDTIMEO, before, 16);
    setOption(program, socket, SOL_SOCKET, SO_SNDTIMEO, [0, patienceUs]);
    program.call('connect', [socket, address.data, address.bytes], { into: result, onFailure: 'ignore' });
    program.call('setsockopt', [socket, SOL_SOCKET, SO_SNDTIMEO, before, 16], { onFailure: 'ignore' });
    const name = program.at(results, 16);
    if (question.domain === AF_UNIX) getOption(program, socket, SO_PEERCRED, name, 12);
    else program.call('getsockname', [socket, name, program.words([32])], { onFailure: 'ignore' });
    program.place(done);
  });
  const socket = Number(found.readBigInt64LE(8));
  return {
    result: Number(found.readBigInt64LE(0)),
    ...(socket >= 0 && { socket }),
    port: question.domain === AF_UNIX ? 0 : found.readUInt16BE(18),
    peer: question.domain === AF_UNIX ? found.readInt32LE(16) : 0,
  };
};

interface AddressData {
  readonly data: ReturnType<Program['bytes']>;
  readonly bytes: number;
}

/** A path is opened first and named by its descriptor: its length does not matter then, and it is looked up once. */
const addressFor = (program: Program, { address, path }: ConnectQuestion, result: Slot, failed: Label): AddressData => {
  if (path === undefined) return { data: program.bytes(address), bytes: address.length };
  program.call('openat', [AT_FDCWD, program.string(path), O_PATH | O_CLOEXEC, 0], { into: result, onFailure: failed });
  program.call('dup3', [result, reservedDescriptor, O_CLOEXEC], { onFailure: 'ignore' });
  program.call('close', [result], { onFailure: 'ignore' });
  const own = Buffer.from(`\0\0/proc/self/fd/${reservedDescriptor}\0`);
  own.writeUInt16LE(AF_UNIX, 0);
  return { data: program.bytes(own), bytes: own.length };
};

const setOption = (
  program: Program,
  socket: Slot,
  level: number,
  option: number,
  words: readonly number[],
  bytes = 8 * words.length,
): void => {
  program.call('setsockopt', [socket, level, option, program.words(words), bytes], { onFailure: 'ignore' });
};

const getOption = (program: Program, socket: Slot, option: number, into: Data, bytes: number): void => {
  program.call('getsockopt', [socket, SOL_SOCKET, option, into, program.words([bytes])], { onFailure: 'ignore' });
};

/** How a call that was trapped ends: with 0, or with a negative errno(3). */
export const answer = (link: BrokerLink, id: bigint, { error = 0 }): void => respond(link, id, error, 0);

/** Lets a call go on: only one that reaches nothing, whatever its arguments become meanwhile (seccomp_unotify(2)). */
export const letContinue = (link: BrokerLink, id: bigint): void =>
  respond(link, id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);

const respond = (link: BrokerLink, id: bigint, error: number, flags: number): void =>
  link.tell((program) => {
    program.call('ioctl', [known.listener, SECCOMP_IOCTL_NOTIF_SEND, response(program, id, error, flags)], {
      onFailure: 'ignore',
    });
  });

/** struct seccomp_notif_resp: id, value, error, flags. */
const response = (program: Program, id: bigint, error: number, flags = 0) =>
  program.words([id, 0, BigInt(error >>> 0) | (BigInt(flags) << 32n)]);

export interface Installation {
  readonly id: bigint;
  /** the broker's descriptor, closed afterwards */
  readonly socket: number;
  /** the caller's descriptors that become it */
  readonly targets: readonly number[];
  readonly nonBlocking: boolean;
  readonly closeOnExec: boolean;
  /** what the call returns: 0, or a negative errno(3) */
  readonly error?: number;
}

/** Puts a socket in the place of the caller's and ends the call. */
export const install = (link: BrokerLink, installation: Installation): void => {
  const { id, socket, targets, nonBlocking, closeOnExec, error = 0 } = installation;
  link.tell((program) => {
    const [failed, done] = [program.label(), program.label()];
    program.call('fcntl', [socket, F_SETFL, nonBlocking ? O_NONBLOCK : 0], { onFailure: 'ignore' });
    const response_ = response(program, id, error);
    const outcome = program.slot();
    for (const target of targets) {
      const request = addition(program, id, SECCOMP_ADDFD_FLAG_SETFD, socket, target, closeOnExec);
      program.call('ioctl', [known.listener, SECCOMP_IOCTL_NOTIF_ADDFD, request], { into: outcome, onFailure: failed });
    }
    program.call('ioctl', [known.listener, SECCOMP_IOCTL_NOTIF_SEND, response_], { onFailure: 'ignore' });
    program.jump(done);
    program.place(failed);
    program.and(outcome, 0xffff_ffff, program.valueAt(response_, 16));
    program.call('ioctl', [known.listener, SECCOMP_IOCTL_NOTIF_SEND, response_], { onFailure: 'ignore' });
    program.place(done);
    program.call('close', [socket], { onFailure: 'ignore' });
  });
};

/** struct seccomp_notif_addfd. */
const addition = (
  program: Program,
  id: bigint,
  flags: number,
  source: number,
  target: number,
  closeOnExec: boolean,
) => {
  const bytes = Buffer.alloc(24);
  bytes.writeBigUInt64LE(id, 0);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(source, 12);
  bytes.writeUInt32LE(target, 16);
  bytes.writeUInt32LE(closeOnExec ? O_CLOEXEC : 0, 20);
  return program.bytes(bytes);
};

/** Closes one of the broker's descriptors. */
export const release = (link: BrokerLink, descriptor: number): void =>
  link.tell((program) => {
    program.call('close', [descriptor], { onFailure: 'ignore' });
  });

/**
 * Has the broker connect to a port of the loopback and hand the socket to the launcher, in the words in which Node's processes hand
 * each other sockets (child_process, `subprocess.send(message, socket)`); resolves with 0 or a negative errno(3).
 */
export const sendConnected = async (link: BrokerLink, to: Buffer, note: object, channel: number): Promise<number> => {
  const found = await link.ask(8, (program, results) => {
    const [done, made] = [program.label(), program.label()];
    const result = program.valueAt(results);
    const type = SOCK_STREAM | SOCK_CLOEXEC;
    program.call('socket', [to.readUInt16LE(0), type, 0], { into: result, onFailure: done });
    const socket = program.and(result, -1);
    setOption(program, socket, SOL_SOCKET, SO_SNDTIMEO, [0, patienceUs]);
    program.call('connect', [socket, program.bytes(to), to.length], { into: result, onFailure: made });
    setOption(program, socket, SOL_SOCKET, SO_SNDTIMEO, [0, 0]);
    const text = Buffer.from(`${JSON.stringify({ cmd: 'NODE_HANDLE', type: 'net.Socket', msg: note })}\n`);
    const { message, descriptor } = descriptorMessage(program, text);
    program.and(socket, 0xffff_ffff, descriptor);
    program.call('sendmsg', [channel, message, MSG_NOSIGNAL], { onFailure: 'ignore', into: result });
    program.place(made);
    program.call('close', [socket], { onFailure: 'ignore' });
    program.place(done);
  });
  return Math.min(0, Number(found.readBigInt64LE(0)));
};

/** Has what comes over one of the broker's descriptors read and forgotten. */
export const drain = (link: BrokerLink, descriptor: number): void => {
  link.passOver(descriptor);
  link.tell((program) => {
    const watched = program.words([EPOLLIN, 0]);
    program.and(descriptor, -1, program.valueAt(watched, eventDataAt(link.arch)));
    program.call('epoll_ctl', [known.epoll, EPOLL_CTL_ADD, descriptor, watched], { onFailure: 'ignore' });
  });
};

/** Ends a connection of a socket that a caller has, too. */
export const shutDown = (link: BrokerLink, socket: number): void =>
  link.tell((program) => {
    program.call('shutdown', [socket, SHUT_RDWR], { onFailure: 'ignore' });
  });

/** Sends a datagram from one of the broker's sockets. */
export const sendDatagram = (link: BrokerLink, descriptor: number, to: Buffer, content: Buffer): void =>
  link.tell((program) => {
    const address = to.length === 0 ? 0 : program.bytes(to);
    program.call('sendto', [descriptor, program.bytes(content), content.length, MSG_DONTWAIT, address, to.length], {
      onFailure: 'ignore',
    });
  });

export interface NewSocket {
  readonly id: bigint;
  readonly domain: number;
  /** with SOCK_CLOEXEC and SOCK_NONBLOCK, as for socket(2) */
  readonly type: number;
}

export interface MadeSocket {
  readonly inode: number;
  /** the broker's descriptor; 0 if it could not be made */
  readonly socket: number;
}

/**
 * Answers socket(2) with a socket that knows the loopback interface alone: without CAP_NET_RAW that can't be changed again (socket(7),
 * SO_BINDTODEVICE; since Linux 5.7 it can be set without). The broker keeps its own descriptor of it, to connect it later.
 */
export const makeLoopbackSocket = async (link: BrokerLink, { id, domain, type }: NewSocket): Promise<MadeSocket> => {
  const found = await link.ask(32, (program, results) => {
    const [done, failed] = [program.label(), program.label()];
    const outcome = program.slot();
    const socket = program.call('socket', [domain, type | SOCK_CLOEXEC, 0], { into: outcome, onFailure: failed });
    const own = program.and(socket, -1);
    program.call('setsockopt', [own, SOL_SOCKET, SO_BINDTODEVICE, program.string('lo'), 3], {
      into: outcome,
      onFailure: failed,
    });
    const status = program.words(new Array<number>(18).fill(0)); // struct stat: device, inode, ...
    program.call('fstat', [own, status], { onFailure: 'ignore' });
    program.and(program.valueAt(status, 8), -1, program.valueAt(results));
    handOver(program, own, { id, type }, outcome, failed);
    program.and(own, -1, program.valueAt(results, 8));
    program.jump(done);
    program.place(failed);
    refuse(program, id, outcome);
    program.place(done);
  });
  return { inode: Number(found.readBigUInt64LE(0)), socket: Number(found.readBigInt64LE(8)) };
};

/**
 * Answers socket(2) for a datagram socket with one end of a pair of sequenced packets: whatever address a datagram is sent to, it comes to
 * the broker (unix(7): such a socket takes no address to send to).
 */
export const makeDatagramChannel = (link: BrokerLink, { id, type }: Omit<NewSocket, 'domain'>): void =>
  link.tell((program) => {
    const [done, failed] = [program.label(), program.label()];
    const ends = program.words([0, 0]);
    const outcome = program.slot();
    const kind = SOCK_SEQPACKET | SOCK_CLOEXEC;
    program.call('socketpair', [AF_UNIX, kind, 0, ends], { into: outcome, onFailure: failed });
    const [own, theirs] = [program.and(program.valueAt(ends), 0xffff_ffff), program.valueAt(ends, 4)];
    const watched = program.words([EPOLLIN, 0]);
    program.and(own, -1, program.valueAt(watched, eventDataAt(link.arch)));
    program.call('epoll_ctl', [known.epoll, EPOLL_CTL_ADD, own, watched], { onFailure: 'ignore' });
    handOver(program, theirs, { id, type }, outcome, failed);
    program.call('close', [theirs], { onFailure: 'ignore' });
    program.jump(done);
    program.place(failed);
    refuse(program, id, outcome);
    program.place(done);
  });

/** Gives the caller a descriptor of its own for one of the broker's, and returns its number from the trapped call. */
const handOver = (
  program: Program,
  own: Slot,
  { id, type }: Pick<NewSocket, 'id' | 'type'>,
  outcome: Slot,
  failed: Label,
): void => {
  const request = addition(program, id, 0, 0, 0, (type & O_CLOEXEC) !== 0);
  program.call('fcntl', [own, F_SETFL, type & O_NONBLOCK], { onFailure: 'ignore' });
  program.and(own, 0xffff_ffff, program.valueAt(request, 12)); // the source, and 0 for a new descriptor
  program.call('ioctl', [known.listener, SECCOMP_IOCTL_NOTIF_ADDFD, request], { into: outcome, onFailure: failed });
  const ok = response(program, id, 0);
  program.and(outcome, 0xffff_ffff, program.valueAt(ok, 8));
  program.call('ioctl', [known.listener, SECCOMP_IOCTL_NOTIF_SEND, ok], { onFailure: 'ignore' });
};

const refuse = (program: Program, id: bigint, outcome: Slot): void => {
  const refusal = response(program, id, 0);
  program.and(outcome, 0xffff_ffff, program.valueAt(refusal, 16));
  program.call('ioctl', [known.listener, SECCOMP_IOCTL_NOTIF_SEND, refusal], { onFailure: 'ignore' });
};
