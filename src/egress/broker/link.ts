import type { Duplex } from 'node:stream';
import { messageKind } from '../../syscall/batch.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { type BatchLink, openBatchLink } from '../batch-link.ts';

/** A datagram that came to one of the broker's sockets. */
export interface Datagram {
  /** the broker's descriptor that it came to */
  readonly descriptor: number;
  /** the sender's struct sockaddr; empty for a socket that has one client only */
  readonly sender: Buffer;
  readonly content: Buffer;
}

/** The launcher's end of the connection with one broker process. */
export interface BrokerLink extends BatchLink {
  readonly onNotified: (listener: (notification: Buffer) => void) => void;
  readonly onDatagram: (listener: (datagram: Datagram) => void) => void;
  /** what comes to one of the broker's descriptors is not for the listener */
  readonly passOver: (descriptor: number) => void;
}

/** Speaks with a broker over its channel. `descriptor` is the channel's number in the broker. */
export const openBrokerLink = (channel: Duplex, descriptor: number, arch: Arch): BrokerLink => {
  const passedOver = new Set<number>();
  let notified = (_notification: Buffer): void => {};
  let arrived = (_datagram: Datagram): void => {};
  const link = openBatchLink({ channel, descriptor, arch }, (kind, body) => {
    if (kind === messageKind.notified) return notified(body);
    const datagram = parseDatagram(body);
    if (!passedOver.has(datagram.descriptor)) arrived(datagram);
  });
  return {
    ...link,
    onNotified: (listener) => {
      notified = listener;
    },
    onDatagram: (listener) => {
      arrived = listener;
    },
    passOver: (number) => void passedOver.add(number),
  };
};

const parseDatagram = (body: Buffer): Datagram => ({
  descriptor: body.readUInt32LE(0),
  sender: body.subarray(16, 16 + Math.min(32, body.readUInt32LE(8))),
  content: body.subarray(48),
});
