import { eventDataAt, known } from '../../syscall/batch.ts';
import {
  AF_UNIX,
  EPOLL_CTL_ADD,
  EPOLLIN,
  F_SETFL,
  MSG_DONTWAIT,
  O_CLOEXEC,
  O_NONBLOCK,
  SECCOMP_IOCTL_NOTIF_ADDFD,
  SECCOMP_IOCTL_NOTIF_SEND,
  SO_BINDTODEVICE,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from '../../syscall/constants.ts';
import type { CallOptions, Label, Program, Slot } from '../../syscall/program.ts';
import { addition, response } from './answer.ts';
import type { BrokerLink } from './link.ts';

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

/** Lets a socket know the loopback interface alone: without CAP_NET_RAW that can't be changed again (socket(7), SO_BINDTODEVICE; since Linux 5.7 it can be set without). */
export const bindToLoopback = (program: Program, socket: Slot, options: CallOptions): void => {
  program.call('setsockopt', [socket, SOL_SOCKET, SO_BINDTODEVICE, program.string('lo'), 3], options);
};

/** Answers socket(2) with a socket that knows the loopback interface alone. The broker keeps its own descriptor of it, to connect it later. */
export const makeLoopbackSocket = async (link: BrokerLink, { id, domain, type }: NewSocket): Promise<MadeSocket> => {
  const found = await link.ask(32, (program, results) => {
    const [done, failed] = [program.label(), program.label()];
    const outcome = program.slot();
    const socket = program.call('socket', [domain, type | SOCK_CLOEXEC, 0], { into: outcome, onFailure: failed });
    const own = program.and(socket, -1);
    bindToLoopback(program, own, { into: outcome, onFailure: failed });
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

/** Has what comes over one of the broker's descriptors read and forgotten. */
export const drain = (link: BrokerLink, descriptor: number): void => {
  link.passOver(descriptor);
  link.tell((program) => {
    const watched = program.words([EPOLLIN, 0]);
    program.and(descriptor, -1, program.valueAt(watched, eventDataAt(link.arch)));
    program.call('epoll_ctl', [known.epoll, EPOLL_CTL_ADD, descriptor, watched], { onFailure: 'ignore' });
  });
};
