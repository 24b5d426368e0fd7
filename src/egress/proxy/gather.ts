import type { Socket } from 'node:net';

export interface GatherOptions {
  readonly maxBytes: number;
  /** how long the first byte may take; no limit if absent */
  readonly firstByteMs?: number | undefined;
  /** how long the rest may take */
  readonly restMs: number;
}

/** `value` is absent when the client ended, was too slow or sent too much; `ended` tells that no more will come. */
export interface Gathered<T> {
  readonly value?: T;
  readonly bytes: Buffer;
  readonly ended: boolean;
}

/**
 * Collects what a client sends until `parse` makes something of it, and leaves the socket paused. `parse` is also asked when the client
 * ends, with `isAll`.
 */
export const gather = <T>(
  socket: Socket,
  first: Buffer,
  parse: (bytes: Buffer, isAll: boolean) => T | undefined,
  { maxBytes, firstByteMs, restMs }: GatherOptions,
): Promise<Gathered<T>> =>
  new Promise((resolve) => {
    let bytes = first;
    let timer: NodeJS.Timeout | undefined;
    const finish = (value: T | undefined, ended: boolean): void => {
      clearTimeout(timer);
      socket.off('data', add).off('end', end).off('close', close).pause();
      resolve(value === undefined ? { bytes, ended } : { value, bytes, ended });
    };
    const close = (): void => finish(undefined, true);
    const late = (): void => finish(undefined, false);
    const end = (): void => finish(parse(bytes, true), true);
    const add = (chunk: Buffer): void => {
      // one time-out for all bytes after the first, for a client that sends one at a time
      if (bytes.length === 0) startTimer(restMs);
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const value = parse(bytes, false);
      if (value !== undefined || bytes.length > maxBytes) finish(value, false);
    };
    const startTimer = (timeoutMs: number): void => {
      clearTimeout(timer);
      timer = setTimeout(late, timeoutMs);
    };
    const value = bytes.length === 0 ? undefined : parse(bytes, false);
    if (value !== undefined) return resolve({ value, bytes, ended: false });
    if (socket.destroyed) return close();
    if (socket.readableEnded) return end();
    socket.on('data', add).on('end', end).on('close', close);
    if (bytes.length > 0) startTimer(restMs);
    else if (firstByteMs !== undefined) startTimer(firstByteMs);
    socket.resume();
  });
