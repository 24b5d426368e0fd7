import { eventDataAt, known } from '../../syscall/batch.ts';
import {
  EPOLL_CTL_ADD,
  ERRNO,
  F_DUPFD,
  F_SETFL,
  IPPROTO_TCP,
  O_CLOEXEC,
  O_NONBLOCK,
  SECCOMP_ADDFD_FLAG_SETFD,
  SECCOMP_IOCTL_NOTIF_ADDFD,
  SECCOMP_IOCTL_NOTIF_SEND,
  SECCOMP_USER_NOTIF_FLAG_CONTINUE,
  SIGCHLD,
  SO,
  SOL_SOCKET,
  TCP,
} from '../../syscall/constants.ts';
import type { Program, Slot } from '../../syscall/program.ts';
import type { EpollEntry } from './caller.ts';
import type { BrokerLink } from './link.ts';

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
export const response = (program: Program, id: bigint, error: number, flags = 0) =>
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
  /** also in the place of a socket that is connected already, as connect(2) allows for datagrams alone */
  readonly again?: true;
  /** the caller's process id as the broker knows it, and where it waits for the descriptors */
  readonly process: number;
  readonly epolls: readonly EpollEntry[];
}

/** Puts a socket in the place of the caller's and ends the call. */
export const install = (link: BrokerLink, installation: Installation): void => {
  const { id, socket, targets, nonBlocking, closeOnExec, error = 0, process, epolls, again } = installation;
  link.tell((program) => {
    const [failed, done] = [program.label(), program.label()];
    const response_ = response(program, id, error);
    program.call('fcntl', [socket, F_SETFL, nonBlocking ? O_NONBLOCK : 0], { onFailure: 'ignore' });
    const outcome = program.slot();
    takeOptions(program, socket, process, targets.at(-1) ?? -1, outcome);
    if (!again) program.jumpIfEqual(outcome, -ERRNO.EISCONN, failed);
    for (const entry of epolls) registerAgain(program, link, socket, process, entry);
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

/** Options that a program may set before it connects: level, name, bytes (socket(7), tcp(7), unix(7)). */
const options = [
  [SOL_SOCKET, SO.KEEPALIVE, 4],
  [SOL_SOCKET, SO.OOBINLINE, 4],
  [SOL_SOCKET, SO.LINGER, 8],
  [SOL_SOCKET, SO.PASSCRED, 4],
  [SOL_SOCKET, SO.RCVLOWAT, 4],
  [SOL_SOCKET, SO.RCVTIMEO, 16],
  [SOL_SOCKET, SO.SNDTIMEO, 16],
  [IPPROTO_TCP, TCP.KEEPIDLE, 4],
  [IPPROTO_TCP, TCP.KEEPINTVL, 4],
  [IPPROTO_TCP, TCP.KEEPCNT, 4],
  [IPPROTO_TCP, TCP.USER_TIMEOUT, 4],
] as const;

/** Sets what the caller had set on the socket that is replaced, and finds out whether that is connected (EISCONN); needs pidfd_getfd(2), as above. */
const takeOptions = (program: Program, socket: number, process: number, descriptor: number, outcome: Slot): void => {
  const [none, done] = [program.label(), program.label()];
  const caller = program.call('pidfd_open', [process, 0], { onFailure: done });
  const theirs = program.call('pidfd_getfd', [caller, descriptor, 0], { onFailure: none });
  for (const [level, name, bytes] of options) {
    const value = program.words([0, 0]);
    const length = program.words([bytes]);
    const next = program.label();
    program.call('getsockopt', [theirs, level, name, value, length], { onFailure: next });
    program.call('setsockopt', [socket, level, name, value, bytes], { onFailure: 'ignore' });
    program.place(next);
  }
  const unconnected = program.label();
  program.call('getpeername', [theirs, program.words(new Array<number>(16).fill(0)), program.words([128])], {
    onFailure: unconnected,
  });
  program.and(-ERRNO.EISCONN, -1, outcome);
  program.place(unconnected);
  program.call('close', [theirs], { onFailure: 'ignore' });
  program.place(none);
  program.call('close', [caller], { onFailure: 'ignore' });
  program.place(done);
};

/**
 * Registers a socket where the caller had the one that it replaces: epoll(7) knows a descriptor by its number and its open file, so a child
 * process of the broker gives the socket the caller's number. Needs pidfd_getfd(2), which default filters of containers refuse.
 */
const registerAgain = (
  program: Program,
  link: BrokerLink,
  socket: number,
  process: number,
  entry: EpollEntry,
): void => {
  const [parent, child] = [program.label(), program.label()];
  const id = program.call('clone', [SIGCHLD, 0, 0, 0, 0], { onFailure: parent });
  program.jumpIfEqual(id, 0, child);
  program.jump(parent);
  program.place(child);
  const end = program.label();
  const caller = program.call('pidfd_open', [process, 0], { onFailure: end });
  const theirs = program.call('pidfd_getfd', [caller, entry.epoll, 0], { onFailure: end });
  const epoll = program.call('fcntl', [theirs, F_DUPFD, entry.target + 1], { onFailure: end });
  program.call('dup3', [socket, entry.target, 0], { onFailure: 'ignore' });
  const event = Buffer.alloc(16);
  event.writeUInt32LE(entry.events, 0);
  event.writeBigUInt64LE(entry.data, eventDataAt(link.arch));
  program.call('epoll_ctl', [epoll, EPOLL_CTL_ADD, entry.target, program.bytes(event)], { onFailure: 'ignore' });
  program.place(end);
  program.call('exit_group', [0]);
  program.place(parent);
  program.call('wait4', [id, 0, 0, 0], { onFailure: 'ignore' });
};

/** struct seccomp_notif_addfd. */
export const addition = (
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
