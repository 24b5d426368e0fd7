import type { Socket } from 'node:net';

/**
 * Node's own object below a TCP socket, which no documentation knows. A program that shares a socket needs it to stop reading:
 * `pause` alone goes on until the stream's buffer is full. Where it looks different, nothing is spliced.
 */
export interface Handle {
  reading: boolean;
  readonly readStart: () => number;
  readonly readStop: () => number;
}

/** A socket's handle, if it is one of TCP: below TLS there is none that another process could use. */
export const handleOf = (socket: Socket): Handle | undefined => {
  const { _handle } = socket as { readonly _handle?: Partial<Handle> | null };
  if (_handle?.constructor.name !== 'TCP' || typeof _handle.reading !== 'boolean') return undefined;
  return typeof _handle.readStart === 'function' && typeof _handle.readStop === 'function'
    ? (_handle as Handle)
    : undefined;
};

/** Whether Node holds no byte of a socket's either way, and neither direction is over. */
export const isAtRest = (socket: Socket): boolean => {
  const { readableLength, writableLength, readableEnded, writableEnded, destroyed, connecting } = socket;
  return readableLength + writableLength === 0 && !readableEnded && !writableEnded && !destroyed && !connecting;
};

/** The stream is left in the belief that it reads: a stream that is paused would begin again, to fill its buffer. */
export const stopReading = (socket: Socket): void => {
  const handle = handleOf(socket);
  if (!handle) return;
  handle.readStop();
  handle.reading = true;
};

export const startReading = (socket: Socket): void => {
  const handle = handleOf(socket);
  if (handle && handle.readStart() !== 0) socket.destroy();
};
