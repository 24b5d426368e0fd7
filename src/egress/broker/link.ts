import type { Duplex } from 'node:stream';
import { beginBatch, endBatch, messageKind } from '../../syscall/batch.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Data, Program } from '../../syscall/program.ts';

/** A datagram that came to one of the broker's sockets. */
export interface Datagram {
  /** the broker's descriptor that it came to */
  readonly descriptor: number;
  /** the sender's struct sockaddr; empty for a socket that has one client only */
  readonly sender: Buffer;
  readonly content: Buffer;
}

/** The launcher's end of the connection with one broker process. */
export interface BrokerLink {
  readonly arch: Arch;
  readonly onNotified: (listener: (notification: Buffer) => void) => void;
  readonly onDatagram: (listener: (datagram: Datagram) => void) => void;
  /** what comes to one of the broker's descriptors is not for the listener */
  readonly passOver: (descriptor: number) => void;
  /** has the broker execute a batch; resolves with so many bytes of results; rejects if the broker ends before */
  readonly ask: (bytes: number, build: (program: Program, results: Data) => void) => Promise<Buffer>;
  /** has the broker execute a batch without an answer; the order of batches is kept */
  readonly tell: (build: (program: Program) => void) => void;
  readonly ended: Promise<void>;
  readonly close: () => void;
}

interface Waiting {
  readonly resolve: (results: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** Speaks with a broker over its channel. `descriptor` is the channel's number in the broker. */
export const openBrokerLink = (channel: Duplex, descriptor: number, arch: Arch): BrokerLink => {
  const waiting = new Map<number, Waiting>();
  const passedOver = new Set<number>();
  let tickets = 0;
  let notified = (_notification: Buffer): void => {};
  let arrived = (_datagram: Datagram): void => {};
  readMessages(channel, (kind, body) => {
    if (kind === messageKind.notified) notified(body);
    else if (kind === messageKind.datagram) {
      const datagram = parseDatagram(body);
      if (!passedOver.has(datagram.descriptor)) arrived(datagram);
    } else {
      const ticket = body.readUInt32LE(0);
      waiting.get(ticket)?.resolve(body.subarray(8));
      waiting.delete(ticket);
    }
  });
  const ended = new Promise<void>((resolve) => {
    channel.once('close', () => {
      for (const { reject } of waiting.values()) reject(new Error('the broker has ended'));
      waiting.clear();
      resolve();
    });
  });
  channel.on('error', () => {}); // 'close' follows
  return {
    arch,
    ended,
    onNotified: (listener) => {
      notified = listener;
    },
    onDatagram: (listener) => {
      arrived = listener;
    },
    passOver: (number) => void passedOver.add(number),
    ask: (bytes, build) =>
      new Promise((resolve, reject) => {
        if (channel.destroyed) return reject(new Error('the broker has ended'));
        const ticket = ++tickets;
        waiting.set(ticket, { resolve, reject });
        const program = beginBatch(arch);
        const room = 8 * Math.ceil(bytes / 8);
        const reply = program.words([messageKind.reply, 8 + room, ticket]);
        build(program, program.room(room)); // right behind it
        program.call('write', [descriptor, reply, 24 + room], { onFailure: 'ignore' });
        channel.write(endBatch(program));
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

const parseDatagram = (body: Buffer): Datagram => ({
  descriptor: body.readUInt32LE(0),
  sender: body.subarray(16, 16 + Math.min(32, body.readUInt32LE(8))),
  content: body.subarray(48),
});
