import { Agent, type ClientRequest, request as openRequest, type RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Decision } from '../../domain/decision.ts';
import type { Unconnected } from '../egress.ts';
import { dial, type Served } from './served.ts';

/** A client's connection whose requests all go to one host. */
export interface Origin {
  readonly decision: Decision;
  /** a connection that was made already, until a request takes it */
  upstream: Socket | undefined;
}

/** Why there is no connection to send a request over. */
export class DialError extends Error {
  readonly dialled: Unconnected;
  constructor(dialled: Unconnected) {
    super(dialled.kind);
    this.dialled = dialled;
  }
}

type GiveSocket = (error: Error | null, socket: Socket) => void;

interface WithWay {
  readonly findWay: () => Promise<Socket>;
}

/**
 * The only agent that requests go through: it never resolves or connects by itself, for a request without a way finds none. One that
 * keeps connections gives them to later requests to the same host and port, for which they were dialled after a decision.
 */
export class WayAgent extends Agent {
  constructor(keepAlive: boolean) {
    super(keepAlive ? { keepAlive, maxFreeSockets: 16, timeout: 30_000, scheduling: 'lifo' } : {});
  }
  override createConnection(options: object, callback?: GiveSocket): undefined {
    (options as WithWay).findWay().then(
      (socket) => callback?.(null, socket),
      (error: Error) => (callback as ((error: Error) => void) | undefined)?.(error),
    );
  }
}

export interface Agents {
  readonly keeping: WayAgent;
  /** a new connection for every request */
  readonly single: WayAgent;
}

export interface OutgoingHead {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | string[]>;
}

/** Opens a request; with an agent that keeps connections it may go over a connection that was used before. Errors: DialError, those of a socket. Throws on a head that can't be sent. */
export const openUpstream = (
  served: Served,
  decision: Decision,
  head: OutgoingHead,
  { agent, origin }: { readonly agent: WayAgent; readonly origin: Origin | undefined },
): ClientRequest => {
  const { host, port, protocol } = decision;
  const findWay = async (): Promise<Socket> => {
    const ready = origin?.upstream;
    if (origin !== undefined) origin.upstream = undefined;
    if (ready !== undefined && !ready.destroyed) return ready;
    const dialled = await dial(served, { host, port, protocol });
    if (dialled.kind === 'connected') return dialled.socket;
    throw new DialError(dialled);
  };
  const outgoing = openRequest({ ...head, host, port, setHost: false, agent, findWay } as RequestOptions);
  // a connection that was held back until its client had spoken does not read yet
  outgoing.on('socket', (socket) => socket.resume());
  return outgoing;
};
