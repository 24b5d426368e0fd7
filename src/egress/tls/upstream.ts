import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { Decision } from '../../domain/decision.ts';
import type { Dialled } from '../egress.ts';
import type { UpstreamTrust } from './upstream-trust.ts';

/** The way to the real host for one client connection: its connections are verified, kept and used again. */
export interface Upstream {
  readonly agent: Agent;
  /** begins a first connection while the client still shakes hands */
  readonly prepare: () => void;
  readonly bytes: () => { readonly out: number; readonly in: number };
  readonly close: () => void;
}

export interface UpstreamOptions {
  readonly host: string;
  readonly port: number;
  readonly dial: () => Promise<Dialled>;
  readonly trust: UpstreamTrust;
  /** of former connections to this host, to be resumed */
  readonly sessions: Map<string, Buffer>;
  /** a connection ended while nothing used it */
  readonly onIdleEnd: () => void;
}

/** Why there is no connection to the real host. */
export class UpstreamError extends Error {
  readonly status: number;
  readonly decision: Decision | undefined;

  constructor(status: number, message: string, decision?: Decision) {
    super(message);
    this.status = status;
    this.decision = decision;
  }
}

/** Its certificate leads to no authority that is known. */
class UntrustedError extends UpstreamError {}

export const openUpstream = (options: UpstreamOptions): Upstream => {
  const sockets = new Set<TLSSocket>();
  const done = { out: 0, in: 0 };
  let prepared: Promise<TLSSocket> | undefined;
  let closed = false;
  const open = async (): Promise<TLSSocket> => {
    const socket = await connectTrusted(options);
    if (closed) socket.destroy();
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      done.out += socket.bytesWritten;
      done.in += socket.bytesRead;
      // ended by the server, not broken off with a request
      if (!closed && socket.readableEnded) options.onIdleEnd();
    });
    return socket;
  };
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 32 });
  agent.createConnection = ((_: unknown, callback: (error: Error | null, socket?: Socket) => void) => {
    const ready = prepared ?? open();
    prepared = undefined;
    // a server may have closed a prepared connection meanwhile
    const usable = ready.then((socket) => (socket.destroyed && !closed ? open() : socket));
    usable.then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error),
    );
    return undefined;
  }) as unknown as typeof agent.createConnection;
  return {
    agent,
    prepare: () => {
      prepared = open();
      prepared.catch(() => {});
    },
    bytes: () =>
      [...sockets].reduce(
        (sum, { bytesWritten, bytesRead }) => ({ out: sum.out + bytesWritten, in: sum.in + bytesRead }),
        {
          ...done,
        },
      ),
    close: () => {
      closed = true;
      agent.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
};

/** A server that accepts the connection and then says nothing. */
const handshakeMs = 30_000;

const connectTrusted = async (options: UpstreamOptions): Promise<TLSSocket> => {
  const context = options.trust.context();
  try {
    return await connectTls(options, context);
  } catch (error) {
    const wider = error instanceof UntrustedError ? options.trust.after(context) : undefined;
    if (wider === undefined) throw error;
    return connectTls(options, wider);
  }
};

const connectTls = async (
  { host, dial, sessions }: UpstreamOptions,
  secureContext: SecureContext,
): Promise<TLSSocket> => {
  const dialled = await dial();
  if (dialled.kind === 'denied') throw new UpstreamError(403, dialled.decision.sentence, dialled.decision);
  if (dialled.kind === 'failed') {
    const status = dialled.code === 'ETIMEDOUT' ? 504 : 502;
    throw new UpstreamError(status, `${host} cannot be reached: ${dialled.message}`);
  }
  const { socket } = dialled;
  // TLS takes this over: half open, a connection that the server has ended would be kept, and the next request on it would wait for ever
  socket.allowHalfOpen = false;
  socket.setNoDelay(true).on('error', () => socket.destroy());
  const session = sessions.get(host);
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      servername: host,
      host,
      secureContext,
      ALPNProtocols: ['http/1.1'],
      // the secret follows: never to a server that can't prove its name
      rejectUnauthorized: true,
      ...(session === undefined ? {} : { session }),
    });
    const fail = (error: NodeJS.ErrnoException): void => reject(failureOf(host, error));
    secure.once('error', fail);
    secure.setTimeout(handshakeMs, () => secure.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
    secure.on('session', (ticket) => sessions.set(host, ticket));
    secure.once('secureConnect', () => {
      secure.off('error', fail);
      secure.setTimeout(0);
      secure.removeAllListeners('timeout');
      secure.on('error', () => secure.destroy());
      resolve(secure);
    });
  });
};

const failureOf = (host: string, { code = 'unknown', message }: NodeJS.ErrnoException): UpstreamError => {
  if (!/CERT|SIGNATURE|ISSUER|ALTNAME|SELF_SIGNED|CRL|CA_|PATH_LENGTH|HOSTNAME/.test(code))
    return new UpstreamError(502, `no secure connection to ${host}: ${code === 'unknown' ? message : code}`);
  const sentence = `the certificate of ${host} is not trusted: ${code}`;
  return /ISSUER|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)
    ? new UntrustedError(502, `${sentence}; if its authority is your own, name it with NODE_EXTRA_CA_CERTS=FILE`)
    : new UpstreamError(502, sentence);
};
