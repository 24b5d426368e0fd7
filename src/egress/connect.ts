import { isIP, type Socket } from 'node:net';
import { openHostSocket } from './host-socket.ts';

/** A place to connect to: a checked address, never a name. */
export interface Target {
  readonly address: string;
  readonly port: number;
}

/** What became of an attempt; `code` as in errno(3). */
export type Connected =
  | { readonly kind: 'connected'; readonly socket: Socket }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** Begins a connection to an address. */
export type Connect = (target: Target) => Socket;

export const connectTo: Connect = ({ address, port }) => {
  // a name would be resolved again, and nobody would check what comes of it
  if (isIP(address) === 0) throw Object.assign(new Error(`"${address}" is not an address`), { code: 'EINVAL' });
  return openHostSocket(address, port);
};

export interface ConnectOptions {
  readonly connect: Connect;
  readonly signal: AbortSignal;
  /** after which the next address is tried beside the one that has not answered (RFC 8305, "Connection Attempt Delay") */
  readonly attemptDelayMs: number;
}

/** The first of these addresses, in order, that a connection can be made to. Never rejects. */
export const connectFirst = (targets: readonly Target[], options: ConnectOptions): Promise<Connected> =>
  new Promise((resolve) => new Race(targets, options, resolve).start());

/** Attempts that run beside each other until one succeeds, all have failed, or the caller gives up. */
class Race {
  readonly #targets: readonly Target[];
  readonly #options: ConnectOptions;
  readonly #resolve: (outcome: Connected) => void;
  readonly #attempts = new Set<Socket>();
  readonly #failures: Failure[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(targets: readonly Target[], options: ConnectOptions, resolve: (outcome: Connected) => void) {
    this.#targets = targets;
    this.#options = options;
    this.#resolve = resolve;
  }

  start(): void {
    const { signal } = this.#options;
    signal.addEventListener('abort', this.#giveUp, { once: true });
    if (signal.aborted) this.#giveUp();
    else this.#tryNext();
  }

  #giveUp = (): void =>
    this.#finish({ kind: 'failed', code: 'ETIMEDOUT', message: `no answer from ${describe(this.#targets)}` });

  #tryNext = (): void => {
    clearTimeout(this.#timer);
    const target = this.#targets[this.#next++];
    if (target !== undefined) this.#attempt(target);
    else if (this.#attempts.size === 0) this.#finish(summarize(this.#failures));
  };

  #attempt(target: Target): void {
    let socket: Socket;
    try {
      socket = this.#options.connect(target);
    } catch (error) {
      this.#fail(target, error as NodeJS.ErrnoException);
      return;
    }
    this.#attempts.add(socket);
    const onError = (error: NodeJS.ErrnoException): void => {
      this.#attempts.delete(socket);
      socket.destroy();
      this.#fail(target, error);
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.removeListener('error', onError);
      // an error before the caller listens must not end the process; "close" follows every one
      socket.on('error', () => {});
      this.#attempts.delete(socket);
      this.#finish({ kind: 'connected', socket });
    });
    if (this.#next < this.#targets.length) this.#timer = setTimeout(this.#tryNext, this.#options.attemptDelayMs);
  }

  #fail(target: Target, { code = 'EIO' }: NodeJS.ErrnoException): void {
    this.#failures.push({ target, code });
    this.#tryNext();
  }

  #finish(outcome: Connected): void {
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#giveUp);
    for (const socket of this.#attempts) {
      socket.removeAllListeners('error');
      socket.removeAllListeners('connect');
      // what is still under way may fail later, and nobody listens for it any more
      socket.on('error', () => {});
      socket.destroy();
    }
    this.#attempts.clear();
    this.#resolve(outcome);
  }
}

interface Failure {
  readonly target: Target;
  readonly code: string;
}

const describe = (targets: readonly Target[]): string => targets.map(({ address }) => address).join(', ');

const summarize = (failures: readonly Failure[]): Connected => ({
  kind: 'failed',
  code: failures[0]?.code ?? 'EADDRNOTAVAIL',
  message: failures.map(({ target, code }) => `${target.address}: ${code}`).join('; ') || 'there is no address',
});
