import { MSG_WAITALL } from './constants.ts';
import type { Arch } from './numbers.ts';
import { type FixedSlot, type Label, Program } from './program.ts';

/**
 * How a process that acts for the launcher (a broker, rungs/program/broker.ts; the splicer, egress/splice/program.ts) and the launcher
 * talk: the launcher sends batches, small programs that are read to a fixed place and executed there; the process sends messages:
 * u64 kind, u64 bytes that follow.
 */
export const messageKind = { notified: 1, datagram: 2, reply: 3, returned: 4 } as const;

/** Memory that such a process maps for batches; its first words tell a batch what it can't know. */
export const scratch = { address: 0x2000_0000, bytes: 0x1_0000 } as const;
const fixed = (word: number): FixedSlot => ({ kind: 'fixed', address: scratch.address + 8 * word });
export const known = {
  /** where a batch goes when it is done */
  returnTo: fixed(0),
  /** where batches lie */
  entry: fixed(1),
  /** the descriptor of the seccomp listener */
  listener: fixed(2),
  /** the descriptor of the epoll instance; a broker's events carry the descriptor that they are of */
  epoll: fixed(3),
  /** of a splicer: the descriptor of a socket that came without the one it belongs to */
  arrived: fixed(4),
} as const;
export const batchAddress = scratch.address + 64;
export const batchBytes = scratch.bytes - 64;

/** A number that no other descriptor of a broker's has: a batch may put there what it names by /proc/self/fd. */
export const reservedDescriptor = 3;

/** Begins a batch; `endBatch` completes it. */
export const beginBatch = (arch: Arch): Program => new Program(arch, { loadAddress: batchAddress, short: true });

/** The bytes of a batch that goes back to the broker's loop at its end. */
export const endBatch = (program: Program): Buffer => {
  program.jumpTo(known.returnTo);
  return program.render();
};

/** Appends what reads a batch from the channel and executes it; goes to `end` when the launcher is gone. */
export const receiveBatch = (program: Program, channel: number, end: Label): void => {
  const length = program.words([0]);
  const got = program.call('recvfrom', [channel, length, 8, MSG_WAITALL, 0, 0], { onFailure: end });
  program.jumpIfEqual(got, 0, end);
  program.call('recvfrom', [channel, batchAddress, program.valueAt(length), MSG_WAITALL, 0, 0], { onFailure: end });
  program.jumpTo(known.entry);
};

/** Where struct epoll_event holds its data: it is packed on x86-64 only (epoll_ctl(2)). */
export const eventDataAt = (arch: Arch): number => (arch === 'x64' ? 4 : 8);
