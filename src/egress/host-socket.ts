import { connect, type Socket } from 'node:net';

/** Takes bytes that came from a host; they are its own until it has asked for more by `resume`, if it returns false, or until it returns. */
export type Sink = (bytes: Buffer) => boolean;

const sinks = new WeakMap<Socket, Sink>();

/** As many bytes as one read of Node's takes. */
const bufferBytes = 64 * 1024;

/** For a host that has filled that so many times: a large download takes a quarter less of the launcher's time. */
const largeBufferBytes = 256 * 1024;
const fullReads = 16;

/**
 * Begins a connection to a host, both halves of which end by themselves and whose small writes leave at once. All of its reads use one buffer:
 * one for each, as Node has it by itself, takes a fifth of the time of a large download.
 */
export const openHostSocket = (host: string, port: number): Socket => {
  let buffer = Buffer.allocUnsafeSlow(bufferBytes);
  let full = 0;
  const onBytes = (bytes: number, into: Uint8Array): boolean => {
    const read = Buffer.from(into.buffer, into.byteOffset, bytes);
    // what was read stays where it is until it is written
    if (bytes === bufferBytes && ++full === fullReads) buffer = Buffer.allocUnsafeSlow(largeBufferBytes);
    const sink = sinks.get(socket);
    // what was read before has to be read first
    return sink !== undefined && socket.readableLength === 0 ? sink(read) : socket.push(Buffer.from(read));
  };
  const onread = { buffer: () => buffer, callback: onBytes }; // asked for a buffer after each read
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, onread });
  return socket;
};

/** From now on what comes goes to the sink, if it was opened here; gives what stops that. */
export const pourInto = (socket: Socket, sink: Sink): (() => void) => {
  sinks.set(socket, sink);
  return () => void sinks.delete(socket);
};
