import { connect, type Socket } from 'node:net';

/** Takes bytes that came from a host; they are its own until it has asked for more by `resume`, if it returns false, or until it returns. */
export type Sink = (bytes: Buffer) => boolean;

const sinks = new WeakMap<Socket, Sink>();

/** As many bytes as one read of Node's takes. */
const bufferBytes = 64 * 1024;

/**
 * Begins a connection to a host, both halves of which end by themselves and whose small writes leave at once. All of its reads use one buffer:
 * one for each, as Node has it by itself, takes a fifth of the time of a large download.
 */
export const openHostSocket = (host: string, port: number): Socket => {
  const onBytes = (bytes: number, buffer: Uint8Array): boolean => {
    const read = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
    const sink = sinks.get(socket);
    // what was read before has to be read first
    return sink !== undefined && socket.readableLength === 0 ? sink(read) : socket.push(Buffer.from(read));
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(bufferBytes), callback: onBytes };
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, onread });
  return socket;
};

/** From now on what comes goes to the sink, if it was opened here; gives what stops that. */
export const pourInto = (socket: Socket, sink: Sink): (() => void) => {
  sinks.set(socket, sink);
  return () => void sinks.delete(socket);
};
