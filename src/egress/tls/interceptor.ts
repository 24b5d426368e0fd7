import { createServer } from 'node:http';
import { createServer as createServer2, type ServerHttp2Session } from 'node:http2';
import { TLSSocket } from 'node:tls';
import type { Decision } from '../../domain/decision.ts';
import type { Injection, Refusal } from '../../domain/injection.ts';
import type { InterceptedConnection, Interceptor } from '../egress.ts';
import type { AnyRequest, AnyResponse } from './answer.ts';
import type { Authority } from './authority.ts';
import { forwardRequest, type Route } from './forward.ts';
import { forwardUpgrade } from './upgrade.ts';
import { openUpstream, UpstreamError } from './upstream.ts';
import { openUpstreamTrust, type UpstreamTrust } from './upstream-trust.ts';

export interface InterceptorOptions {
  readonly injection: Injection;
  readonly authority: Authority;
  /** PEM certificates that servers may be verified against besides Node's own list; absent if its default list is to be taken */
  readonly upstreamCa?: readonly string[];
  /** reads the system's, in PEM */
  readonly systemCa?: () => string;
  readonly nowMs?: () => number;
}

/** Ends TLS for the hosts that a credential is bound to, and begins it again towards them. */
export const openInterceptor = (options: InterceptorOptions): Interceptor & Disposable => {
  const { injection } = options;
  const open = new Set<TLSSocket>();
  // Node parses its list of authorities here once (about 20 ms): before the first connection waits for it
  const trust = openUpstreamTrust(options.upstreamCa, options.systemCa ?? (() => ''));
  const sessions = new Map<string, Buffer>();
  return {
    isBound: injection.isBound,
    holdsPlaceholder: injection.holdsPlaceholder,
    accept: (connection) => {
      const client = acceptConnection(connection, options, trust, sessions);
      open.add(client);
      client.once('close', () => open.delete(client));
    },
    [Symbol.dispose]: () => {
      for (const client of open) client.destroy();
    },
  };
};

const acceptConnection = (
  connection: InterceptedConnection,
  { injection, authority, nowMs = Date.now }: InterceptorOptions,
  trust: UpstreamTrust,
  sessions: Map<string, Buffer>,
): TLSSocket => {
  const { host, port, decision, dial, onEvent } = connection;
  const startedMs = nowMs();
  const state = { active: 0, error: undefined as Error | undefined };
  connection.client.setNoDelay(true).on('error', () => connection.client.destroy());
  const client = new TLSSocket(connection.client, {
    isServer: true,
    secureContext: authority.contextFor(host),
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  const upstream = openUpstream({
    ...{ host, port, dial, trust, sessions },
    // as a server would: the client then opens a new connection instead of sending into a dead one
    onIdleEnd: () => state.active === 0 && client.alpnProtocol !== 'h2' && client.end(),
  });
  const none = { durationMs: 0, bytesOut: 0, bytesIn: 0 };
  const onRefusal = (refusal: Refusal): void =>
    onEvent({ decision: denial(decision, refusal), startedMs: nowMs(), ...none });
  const onFailure = (error: Error): void => {
    state.error = error;
  };
  client.on('error', onFailure);
  client.once('close', () => {
    const { out, in: into } = upstream.bytes();
    upstream.close();
    connection.client.destroy();
    const unreached = state.error instanceof UpstreamError ? state.error : undefined;
    const error = state.error && { error: describe(state.error), ...(unreached && { message: unreached.message }) };
    const denied = unreached?.decision;
    const durationMs = nowMs() - startedMs;
    onEvent({ decision: denied ?? decision, startedMs, durationMs, bytesOut: out, bytesIn: into, ...error });
  });
  upstream.prepare();
  client.once('secure', () => {
    // tls.Server does this for its own sockets; while it is true, an HTTP/2 session waits
    (client as { secureConnecting?: boolean }).secureConnecting = false;
    const named = (client as { servername?: string | false }).servername || '';
    const refusal = named.toLowerCase() === host.toLowerCase() ? undefined : misnamed(host);
    serve(client, { destination: { host, port }, injection, upstream, onRefusal, onFailure, refusal }, state);
  });
  return client;
};

/** Every request on a connection that asked for a certificate of another name, or of none, is answered so (RFC 9110, 15.5.20). */
const misnamed = (host: string): Refusal => ({
  kind: 'refused',
  status: 421,
  reason: 'name-mismatch',
  sentence: `the TLS server name is not ${host}, to which the connection leads`,
});

const serve = (client: TLSSocket, route: Route, state: { active: number }): void => {
  const answer = (expectsContinue: boolean) => (request: AnyRequest, response: AnyResponse) => {
    state.active++;
    void forwardRequest(request, response, route, expectsContinue).finally(() => {
      state.active--;
    });
  };
  if (client.alpnProtocol === 'h2') {
    const server = createServer2({ settings: { maxConcurrentStreams: 100 } });
    server.on('request', answer(false)).on('checkContinue', answer(true));
    server.on('sessionError', () => client.destroy());
    server.on('session', (session) => watch(session, client));
    server.emit('connection', client);
    return;
  }
  // a client may wait, and upload, as long as it likes: it holds up nobody else
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, insecureHTTPParser: false });
  server.on('request', answer(false)).on('checkContinue', answer(true));
  server.on('upgrade', (request, socket, first) => {
    state.active++;
    forwardUpgrade(request, socket, first, route);
  });
  server.on('connect', (_request, socket) => socket.destroy());
  server.emit('connection', client);
};

/** A client that is gone in the middle of what it sent is not always told to a session of HTTP/2: a silent one is asked. */
const watch = (session: ServerHttp2Session, client: TLSSocket): void => {
  session.setTimeout(silentMs, () => {
    const gone = setTimeout(() => client.destroy(), silentMs).unref();
    session.ping(() => clearTimeout(gone));
  });
};

const silentMs = 60_000;

const denial = (decision: Decision, { reason, sentence }: Refusal): Decision => {
  const { host, port, protocol } = decision;
  return { verdict: 'deny', reason, host, port, protocol, sentence };
};

/** Codes only: the text of an error may quote what was sent. */
const describe = (error: NodeJS.ErrnoException): string =>
  error instanceof UpstreamError ? error.message : (error.code ?? 'failed');
