import { batchAddress, eventDataAt, known, messageKind, receiveBatch, scratch } from '../../syscall/batch.ts';
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  MAP_PRIVATE_FIXED_ANONYMOUS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  O_CLOEXEC,
  PROT_READ_WRITE,
} from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { type Data, type FixedSlot, Program, type Slot } from '../../syscall/program.ts';

/** The splicer's descriptor to the launcher: its program, then batches one way and messages the other. */
export const splicerChannel = 3;
/** The one over which sockets come, as Node's processes hand them to each other. */
export const handleChannel = 4;

/** What a tunnel's bytes pass through: no more than this lies outside of the kernel at any time. */
const buffer = { address: 0x3000_0000, bytes: 0x1_0000 } as const;
/** Memory of the tunnels: for each a program of its own, whose last words hold its two sockets. */
const places = { address: buffer.address + buffer.bytes, bytes: 4096 } as const;
/** How many tunnels a splicer holds at most. */
export const maxTunnels = 1024;

/** Where a splicer keeps one tunnel. */
export interface Place {
  readonly index: number;
  readonly address: number;
  /** its sockets' descriptors; -1 when they are closed */
  readonly sockets: readonly [FixedSlot, FixedSlot];
}

export const placeAt = (index: number): Place => {
  const address = places.address + index * places.bytes;
  const [first, second] = [16, 8].map((end) => ({ kind: 'fixed', address: address + places.bytes - end }) as const);
  return { index, address, sockets: [first as FixedSlot, second as FixedSlot] };
};

/** How many events the kernel gives at once: under load a call less for each. */
const eventsAtOnce = 16;

/**
 * The life of a splicer: it waits for what can be read, and goes on at the address that the event carries, which is in the program of the tunnel
 * that it is of. It ends when the launcher ends.
 */
export const renderSplicer = (arch: Arch): Program => {
  const program = new Program(arch, { short: true });
  const [end, commanded] = [program.label(), program.label()];
  // a Ctrl-C is for the command; not a session of its own, which the scheduler would weigh against this one (sched(7), autogroups)
  program.call('setpgid', [0, 0], { onFailure: 'ignore' });
  for (const { address, bytes } of [scratch, { ...buffer, bytes: buffer.bytes + maxTunnels * places.bytes }])
    program.call('mmap', [address, bytes, PROT_READ_WRITE, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0]);
  program.and(batchAddress, -1, known.entry);
  const epoll = program.and(program.call('epoll_create1', [O_CLOEXEC]), -1, known.epoll);
  const watched = program.words([EPOLLIN, 0]);
  program.keepAddress(commanded, program.valueAt(watched, eventDataAt(arch)));
  program.call('epoll_ctl', [epoll, EPOLL_CTL_ADD, splicerChannel, watched]);
  const eventBytes = 8 + eventDataAt(arch);
  const events = program.room(eventsAtOnce * eventBytes);
  const wait = program.here();
  const count = program.call('epoll_pwait', [epoll, events, eventsAtOnce, -1, 0, 8], { onFailure: wait });
  for (let index = 0; index < eventsAtOnce; index++) {
    const next = program.label();
    program.jumpIfEqual(count, index, wait);
    program.keepAddress(next, known.returnTo);
    program.jumpTo(program.valueAt(events, index * eventBytes + eventDataAt(arch)));
    program.place(next);
  }
  program.jump(wait);
  program.place(commanded);
  receiveBatch(program, splicerChannel, end);
  program.place(end);
  program.call('exit_group', [0]);
  return program;
};

/** struct epoll_event for what can be read, which carries an address. */
export const readEvent = (program: Program, address: number, arch: Arch): Data => {
  const event = program.words([EPOLLIN, 0]);
  program.and(address, -1, program.valueAt(event, eventDataAt(arch)));
  return event;
};

/** One tunnel's program with the addresses in it that are gone to. */
export interface TunnelProgram {
  readonly bytes: Buffer;
  /** for what comes from the first socket, and from the second */
  readonly copies: readonly [number, number];
  /** gives the tunnel back */
  readonly recall: number;
}

/** What a tunnel is given back with, behind the head of the message; then the bytes that were read and could not be sent. */
export interface Returned {
  readonly index: number;
  /** which of the two sockets was read last */
  readonly from: 0 | 1;
  /** what reading it gave: a number of bytes, 0 at its end, or a negative errno(3) */
  readonly received: number;
  /** what sending them gave */
  readonly sent: number;
  /** how many bytes of each socket were sent to the other */
  readonly carried: readonly [number, number];
  readonly unsent: Buffer;
}

const returnedBytes = 48;

export const parseReturned = (body: Buffer): Returned => {
  const word = (index: number): number => Number(body.readBigInt64LE(8 * index));
  return {
    index: word(0),
    from: word(1) === 0 ? 0 : 1,
    received: word(2),
    sent: word(3),
    carried: [word(4), word(5)],
    unsent: body.subarray(returnedBytes),
  };
};

/**
 * A tunnel's program: what one socket has is sent to the other at once. It keeps nothing: at the end of either direction, at an error, and when
 * not all can be sent at once, both sockets are closed here and the launcher, which has its own descriptors of them, goes on.
 */
export const renderTunnel = (arch: Arch, { index, address, sockets }: Place): TunnelProgram => {
  const program = new Program(arch, { loadAddress: address, short: true });
  const message = program.words([messageKind.returned, 0, index, 0, 0, 0, 0, 0]);
  const at = (offset: number): Slot => program.valueAt(message, offset);
  const [from, received, sent] = [at(24), at(32), at(40)];
  const [unsent, start] = [program.slot(), program.slot()];
  const [done, giveBack] = [program.label(), program.label()];
  const copyFrom = (which: 0 | 1) => {
    const [failed, closed, leave] = [program.label(), program.label(), program.label()];
    const [source, target] = which === 0 ? sockets : [sockets[1], sockets[0]];
    const carried = at(48 + 8 * which);
    const begin = program.here();
    const reading = [source, buffer.address, buffer.bytes, MSG_DONTWAIT, 0, 0] as const;
    program.call('recvfrom', reading, { into: received, onFailure: closed });
    program.jumpIfEqual(received, 0, closed);
    const sending = [target, buffer.address, received, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0] as const;
    program.call('sendto', sending, { into: sent, onFailure: failed });
    const negative = program.subtract(0, sent);
    program.subtract(carried, negative, carried);
    program.jumpIfEqual(sent, received, done);
    program.subtract(received, sent, unsent);
    program.subtract(buffer.address, negative, start);
    program.jump(leave);
    program.place(failed);
    program.and(received, -1, unsent);
    program.and(buffer.address, -1, start);
    program.jump(leave);
    program.place(closed);
    for (const word of [sent, unsent]) program.and(0, 0, word);
    program.place(leave);
    program.and(which, -1, from);
    program.jump(giveBack);
    return { begin, closed };
  };
  const copies = [copyFrom(0), copyFrom(1)] as const;
  program.place(giveBack);
  program.jumpIfEqual(sockets[0], -1, done); // it was given back before a recall came
  for (const socket of sockets) {
    program.call('epoll_ctl', [known.epoll, EPOLL_CTL_DEL, socket, 0], { onFailure: 'ignore' });
    program.call('close', [socket], { onFailure: 'ignore' });
    program.and(-1, -1, socket);
  }
  program.subtract(unsent, -returnedBytes, at(8));
  program.call('write', [splicerChannel, message, 16 + returnedBytes], { onFailure: 'ignore' });
  program.call('write', [splicerChannel, start, unsent], { onFailure: 'ignore' });
  program.place(done);
  program.jumpTo(known.returnTo);
  const bytes = program.render().subarray(8); // without its length
  if (bytes.length > places.bytes - 16) throw new RangeError('the program of a tunnel does not fit into its place');
  const [first, second] = copies;
  return {
    bytes,
    copies: [program.addressAt(first.begin), program.addressAt(second.begin)],
    recall: program.addressAt(first.closed),
  };
};
