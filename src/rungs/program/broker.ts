import {
  batchAddress,
  eventDataAt,
  known,
  messageKind,
  receiveBatch,
  reservedDescriptor,
  scratch,
} from '../../syscall/batch.ts';
import {
  EPOLL_CTL_ADD,
  EPOLLHUP,
  EPOLLIN,
  MAP_PRIVATE_FIXED_ANONYMOUS,
  MSG_DONTWAIT,
  O_CLOEXEC,
  PROT_READ_WRITE,
  SECCOMP_IOCTL_NOTIF_RECV,
} from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Data, Label, Program, Slot } from '../../syscall/program.ts';
import { type Link, receiveListener } from './listener.ts';

export interface BrokerDuties {
  readonly arch: Arch;
  /** the descriptor over which the launcher sends batches and gets messages */
  readonly channel: number;
  /** over which the listener arrives; absent where the broker acts for commands that hand theirs to others */
  readonly link?: Link;
  /** whether this broker reports the trapped calls; another one may only act on them */
  readonly reports: boolean;
  /** a datagram socket whose datagrams are passed to the launcher */
  readonly datagrams?: Slot;
}

/**
 * The life of a broker process: it decides nothing. It tells the launcher of trapped calls and of datagrams, and executes the batches that
 * the launcher answers with, where the launcher can't act itself: in the sandbox's network, on descriptors, on the seccomp
 * listener. It ends when the launcher ends, or nothing is left under the filter.
 */
export const liveAsBroker = (program: Program, { arch, channel, link, reports, datagrams }: BrokerDuties): void => {
  program.goal = 'start a broker';
  const [end, commanded, notified] = [program.label(), program.label(), program.label()];
  const memory = [scratch.address, scratch.bytes, PROT_READ_WRITE, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0] as const;
  program.call('mmap', memory);
  program.call('dup3', [channel, reservedDescriptor, O_CLOEXEC]);
  const epoll = program.and(program.call('epoll_create1', [O_CLOEXEC]), -1, known.epoll);
  const listener = known.listener;
  if (link) program.and(receiveListener(program, link, end), -1, listener);
  program.and(batchAddress, -1, known.entry);
  const watched = program.words([EPOLLIN, 0]); // struct epoll_event
  for (const descriptor of [channel, ...(reports ? [listener] : []), ...(datagrams ? [datagrams] : [])]) {
    program.and(descriptor, -1, program.valueAt(watched, eventDataAt(arch)));
    program.call('epoll_ctl', [epoll, EPOLL_CTL_ADD, descriptor, watched]);
  }
  const wait = program.here();
  program.keepAddress(wait, known.returnTo);
  const event = program.words([0, 0]);
  program.call('epoll_pwait', [epoll, event, 1, -1, 0, 8], { onFailure: wait });
  const source = program.valueAt(event, eventDataAt(arch));
  program.jumpIfEqual(source, channel, commanded);
  if (reports) program.jumpIfEqual(source, listener, notified);
  passDatagram(program, { channel, wait, source, ...(datagrams && { lasting: datagrams }) });
  if (reports) {
    program.place(notified);
    const hungUp = program.and(program.valueAt(event), EPOLLHUP);
    program.jumpIfEqual(hungUp, EPOLLHUP, end);
    passNotification(program, { channel, wait, listener });
  }
  program.place(commanded);
  receiveBatch(program, channel, end);
  program.place(end);
  program.call('exit_group', [0]);
};

interface Passing {
  readonly channel: number;
  readonly wait: Label;
}

/** Room for a message: its kind and length, then what follows. */
const messageOf = (program: Program, kind: number, bytes: number): Data =>
  program.words([kind, bytes, ...new Array<number>(bytes / 8).fill(0)]);

/** struct seccomp_notif, as the kernel gives it; it must be all zero before. */
const notificationBytes = 80;

const passNotification = (
  program: Program,
  { channel, wait, listener }: Passing & { listener: typeof known.listener },
): void => {
  const message = messageOf(program, messageKind.notified, notificationBytes);
  for (let at = 16; at < 16 + notificationBytes; at += 8) program.and(0, 0, program.valueAt(message, at));
  const notification = program.at(message, 16);
  program.call('ioctl', [listener, SECCOMP_IOCTL_NOTIF_RECV, notification], { onFailure: wait });
  program.call('write', [channel, message, 16 + notificationBytes], { onFailure: 'ignore' });
  program.jump(wait);
};

/** Descriptor, length of the sender's address, 32 bytes of address; then the datagram. */
const datagramHead = 48;
const largestDatagram = 1536;

/** Passes a datagram on; at its end closes a socket that was made for one client alone. */
const passDatagram = (
  program: Program,
  { channel, wait, source, lasting }: Passing & { source: Slot; lasting?: Slot },
): void => {
  const message = messageOf(program, messageKind.datagram, datagramHead + largestDatagram);
  const [length, addressLength] = [program.valueAt(message, 8), program.valueAt(message, 24)];
  program.and(source, -1, program.valueAt(message, 16));
  program.and(32, -1, addressLength);
  const [address, content] = [program.at(message, 32), program.at(message, 16 + datagramHead)];
  const place = [source, content, largestDatagram, MSG_DONTWAIT, address, program.addressOf(addressLength)] as const;
  const got = program.call('recvfrom', place, { onFailure: wait });
  const some = program.label();
  const closed = program.label();
  program.jumpIfEqual(got, 0, closed);
  program.place(some);
  program.subtract(got, -datagramHead, length);
  program.call('write', [channel, message, program.subtract(got, -(16 + datagramHead))], { onFailure: 'ignore' });
  program.jump(wait);
  program.place(closed);
  if (lasting) program.jumpIfEqual(source, lasting, some);
  program.call('close', [source], { onFailure: 'ignore' });
  program.jump(wait);
};
