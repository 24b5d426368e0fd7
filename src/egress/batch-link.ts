import type { Duplex } from 'node:stream';
import { beginBatch, endBatch, messageKind } from '../syscall/batch.ts';
import type { Arch } from '../syscall/numbers.ts';
import type { Data, Program } from '../syscall/program.ts';

/** The launcher's end of the connection with a process that acts for it (syscall/batch.ts). */
export interface BatchLink {
  readonly arch: Arch;
  /**
   * has the process execute a batch, which may read `behind` from the channel, too; resolves with so many bytes of results; rejects if the
   * process ends before
   */
  readonly ask: (bytes: number, build: (program: Program, results: Data) => void, behind?: Buffer) => Promise<Buffer>;
  /** has the process execute a batch without an answer; the order of batches is kept */
  readonly tell: (build: (program: Program) => void) => void;
  readonly ended: Promise<void>;
  readonly close: () => void;
}

/** A channel with its number in the process at the other end. */
export interface BatchChannel {
  readonly channel: Duplex;
  readonly descriptor: number;
  readonly arch: Arch;
}

/** Speaks with such a process; messages but replies go to the listener. */
export const openBatchLink = (
  { channel, descriptor, arch }: BatchChannel,
  onMessage: (kind: number, body: Buffer) => void,
): BatchLink => {
  const waiting = new Map<number, { resolve: (results: Buffer) => void; reject: (error: Error) => void }>();
  let tickets = 0;
  readMessages(channel, (kind, body) => {
    if (kind !== messageKind.reply) return onMessage(kind, body);
    const ticket = body.readUInt32LE(0);
    waiting.get(ticket)?.resolve(body.subarray(8));
    waiting.delete(ticket);
  });
  const ended = new Promise<void>((resolve) => {
    channel.once('close', () => {
      for (const { reject } of waiting.values()) reject(new Error('the process has ended'));
      waiting.clear();
      resolve();
    });
  });
  channel.on('error', () => {}); // 'close' follows
  return {
    arch,
    ended,
    ask: (bytes, build, behind) =>
      new Promise((resolve, reject) => {
        if (channel.destroyed) return reject(new Error('the process has ended'));
        const ticket = ++tickets;
        waiting.set(ticket, { resolve, reject });
        const program = beginBatch(arch);
        const room = 8 * Math.ceil(bytes / 8);
        const reply = program.words([messageKind.reply, 8 + room, ticket]);
        build(program, program.room(room)); // right behind it
        program.call('write', [descriptor, reply, 24 + room], { onFailure: 'ignore' });
        const batch = endBatch(program);
        channel.write(behind ? Buffer.concat([batch, behind]) : batch);
      }),
    tell: (build) => {
      if (channel.destroyed) return;
      const program = beginBatch(arch);
      build(program);
      channel.write(endBatch(program));
    },
    close: () => void channel.destroy(),
  };
};

const headBytes = 16;

const readMessages = (channel: Duplex, onMessage: (kind: number, body: Buffer) => void): void => {
  let rest: Buffer = Buffer.alloc(0);
  channel.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= headBytes) {
      const end = at + headBytes + rest.readUInt32LE(at + 8);
      if (end > rest.length) break;
      onMessage(rest.readUInt32LE(at), rest.subarray(at + headBytes, end));
      at = end;
    }
    rest = rest.subarray(at);
  });
};
