import type { Socket } from 'node:net';
import type { Decision, EgressEvent, EgressRequest } from '../../domain/decision.ts';
import type { Dialled, Egress, Interceptor, Unconnected } from '../egress.ts';
import type { Splicer } from '../splice/splicer.ts';
import type { Token } from './token.ts';

/** What everything that serves a connection works with. */
export interface Served {
  readonly egress: Egress;
  readonly onEvent: (event: EgressEvent) => void;
  readonly interceptor: Interceptor | undefined;
  readonly answerDns: ((query: Buffer) => Promise<Buffer>) | undefined;
  /** asked of every client that the broker did not announce */
  readonly token: Token | undefined;
  /** copies in the launcher's place what is busy */
  readonly splicer: Splicer | undefined;
  readonly limits: ProxyLimits;
}

export interface ProxyLimits {
  /** for reaching a host, all of its addresses together */
  readonly connectTimeoutMs: number;
  /** for the head of a request, and for the rest of any first message */
  readonly headTimeoutMs: number;
  /** how long a connection that was not announced waits for that */
  readonly strangerWaitMs: number;
  readonly maxWaiting: number;
}

export const defaultLimits: ProxyLimits = {
  connectTimeoutMs: 30_000,
  headTimeoutMs: 60_000,
  strangerWaitMs: 1_000,
  maxWaiting: 1_024,
};

/** Dials within the time limit; what is connected too late is closed. */
export const dial = async ({ egress, limits }: Served, request: EgressRequest): Promise<Dialled> => {
  const dialling = egress.dial(request);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, limits.connectTimeoutMs, undefined);
  });
  const dialled = await Promise.race([dialling, late]);
  clearTimeout(timer);
  if (dialled !== undefined) return prepared(dialled);
  void dialling.then((result) => result.kind === 'connected' && result.socket.destroy());
  const decision = await egress.decide(request);
  return { kind: 'failed', decision, code: 'ETIMEDOUT', message: 'it did not answer in time' };
};

const prepared = (dialled: Dialled): Dialled => {
  if (dialled.kind !== 'connected') return dialled;
  const { socket } = dialled;
  socket.allowHalfOpen = true;
  socket.setNoDelay(true).setKeepAlive(true, 60_000).on('error', ignoreError);
  return dialled;
};

/** An error of a socket is always followed by its close, where it is dealt with. */
export const ignoreError = (): void => {};

/** Tells of a request that was refused, or could not be served. */
export const tellAtOnce = ({ onEvent }: Served, decision: Decision, startedMs: number, why: Why = {}): void =>
  onEvent({ decision, startedMs, durationMs: Date.now() - startedMs, bytesOut: 0, bytesIn: 0, ...why });

type Why = Pick<EgressEvent, 'error' | 'message'>;

/** What an event tells of a connection that could not be made. */
export const whyOf = (dialled: Unconnected): Why =>
  dialled.kind === 'failed' ? { error: dialled.code, message: dialled.message } : {};

/** The bytes that went over a connection to a host, from now on. */
export const countBytes = (socket: Socket): (() => { readonly bytesOut: number; readonly bytesIn: number }) => {
  const [written, read] = [socket.bytesWritten, socket.bytesRead];
  return () => ({ bytesOut: socket.bytesWritten - written, bytesIn: socket.bytesRead - read });
};
