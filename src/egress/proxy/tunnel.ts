import type { Socket } from 'node:net';
import { pourInto } from '../host-socket.ts';

/** With more than this in a socket's queue, the other side is not read. */
const maxQueuedBytes = 128 * 1024;

/**
 * Copies one direction: what `from` sends goes to `to`, its end too; gives what stops it. The kernel takes a chunk at once nearly always;
 * Node's own limit of 16 KiB would stop and start reading at every chunk of 64 KiB. `onCopied` is told how long each chunk was.
 */
export const pump = (from: Socket, to: Socket, onCopied = (_bytes: number): void => {}): (() => void) => {
  const copy = (chunk: Buffer): void => {
    to.write(chunk);
    if (to.writableLength > maxQueuedBytes) from.pause();
    onCopied(chunk.length);
  };
  let isStopped = false;
  const resume = (): void => void (isStopped || from.resume());
  const end = (): void => void to.end();
  if (from.readableEnded) end();
  from.on('data', copy).on('end', end);
  to.on('drain', resume);
  const stopPouring = pourInto(from, (bytes) => {
    to.write(bytes);
    const isWritten = to.writableLength === 0;
    if (!isWritten) to.write(nothing, resume); // called once all before it is written
    onCopied(bytes.length);
    return isWritten;
  });
  from.resume();
  return () => {
    isStopped = true;
    stopPouring();
    from.off('data', copy).off('end', end).pause();
    to.off('drain', resume);
  };
};

const nothing = Buffer.alloc(0);

/** When one side is gone before its end, the other side is told by a reset: a stream that was cut must not look complete. */
export const closeTogether = (a: Socket, b: Socket): void => {
  closeWith(a, b);
  closeWith(b, a);
};

const closeWith = (a: Socket, b: Socket): void => {
  const close = (hadError: boolean): void => {
    // a complete side may still be writing out what it has
    if (hadError || !b.writableEnded) cut(b);
  };
  if (a.destroyed) close(a.errored !== null);
  else a.once('close', close);
};

/** Calls back once, when both sides are closed, with what went wrong on the side of the host. */
export const whenBothClosed = (client: Socket, host: Socket, tell: (error: string | undefined) => void): void => {
  let open = 2;
  let error: NodeJS.ErrnoException | undefined;
  const close = (): void => {
    open -= 1;
    if (open === 0) tell(error === undefined ? undefined : (error.code ?? error.message));
  };
  host.once('error', (cause) => {
    error = cause;
  });
  for (const socket of [client, host]) {
    if (socket.destroyed) close();
    else socket.once('close', close);
  }
};

/**
 * Closes by a reset alone. Node's own resetAndDestroy ends the stream first, so that the other side reads a proper end; the property that
 * it sets is in no documentation, and where it is not known this is an ordinary close.
 */
export const cut = (socket: Socket, error?: Error): void => {
  Object.assign(socket, { resetAndClosing: true }).destroy(error);
};

/** A connection whose serving fails is closed: the policy itself may throw. */
export const orCut = (client: Socket, serving: Promise<void>): void => {
  serving.catch(() => cut(client));
};
