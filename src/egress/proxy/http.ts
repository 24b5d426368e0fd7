import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { forward, sendAnswer } from './forward.ts';
import type { Passage } from './passage.ts';
import { answerAndClose, badRequest, refusal, tokenRequired } from './refusal.ts';
import { type Served, tellAtOnce } from './served.ts';
import { findTarget } from './target.ts';
import { presentsToken } from './token.ts';
import { orCut } from './tunnel.ts';
import { forwardUpgrade, mayUpgrade, withoutUpgrade } from './upgrade.ts';
import { type Agents, type Origin, WayAgent } from './upstream.ts';

export interface HttpServing {
  /** a client that knows it speaks to a proxy; without `isAnnounced` it must present the token */
  readonly serveProxy: (client: Socket, bytes: Buffer, isAnnounced: boolean) => void;
  /** a client that believes to speak to the host itself */
  readonly serveOrigin: (passage: Passage, bytes: Buffer, upstream: Socket | undefined) => void;
  readonly close: () => void;
}

export type ServeConnect = (request: IncomingMessage, client: Socket, head: Buffer) => void;

const keepAliveMs = 120_000;

/** HTTP/1.1 by Node's own parser in its strict form. What goes out is written anew, so that no other parser sees it otherwise. */
export const openHttp = (served: Served, serveConnect: ServeConnect): HttpServing => {
  const origins = new WeakMap<Duplex, Origin>();
  const announced = new WeakSet<Duplex>();
  const agents: Agents = { keeping: new WayAgent(true), single: new WayAgent(false) };
  const lacksToken = (request: IncomingMessage): boolean =>
    !origins.has(request.socket) && !announced.has(request.socket) && !presentsToken(served.token, request.headers);

  const server = createServer({
    insecureHTTPParser: false,
    requireHostHeader: false,
    headersTimeout: served.limits.headTimeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    noDelay: true,
  });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const startedMs = Date.now();
    if (lacksToken(request)) return sendAnswer(response, tokenRequired());
    const origin = origins.get(request.socket);
    const target = await findTarget(served, request, origin?.decision);
    if (response.destroyed) return;
    if (target.kind === 'target') return forward(served, { request, response, target, origin, agents, startedMs });
    if (target.kind === 'bad') return sendAnswer(response, target.answer);
    tellAtOnce(served, target.decision, startedMs);
    sendAnswer(response, refusal(target.decision));
  };

  const upgrade = async (request: IncomingMessage, client: Socket, head: Buffer): Promise<void> => {
    const startedMs = Date.now();
    if (lacksToken(request)) return answerAndClose(client, tokenRequired());
    if (!mayUpgrade(request)) return start(client, Buffer.concat([withoutUpgrade(request), head]));
    const origin = origins.get(client);
    const target = await findTarget(served, request, origin?.decision);
    if (client.destroyed) return;
    if (target.kind === 'target')
      return forwardUpgrade(served, { request, client, head, target, origin, agent: agents.single, startedMs });
    if (target.kind === 'bad') return answerAndClose(client, target.answer);
    tellAtOnce(served, target.decision, startedMs);
    answerAndClose(client, refusal(target.decision));
  };

  const connect: ServeConnect = (request, client, head) => {
    if (lacksToken(request)) return answerAndClose(client, tokenRequired());
    if (!origins.has(client)) return serveConnect(request, client, head);
    answerAndClose(client, badRequest('CONNECT is for a proxy, and this connection goes to a host', 405));
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    orCut(request.socket, serve(request, response));
  server.on('request', onRequest).on('checkContinue', onRequest);
  server.on('upgrade', (request, client, head) => orCut(client as Socket, upgrade(request, client as Socket, head)));
  server.on('connect', (request, client, head) => connect(request, client as Socket, head));
  server.on('clientError', (_error, client) => {
    if (client.writable) answerAndClose(client as Socket, badRequest('the request is not valid HTTP/1.1'));
    else client.destroy();
  });
  // a client may send its request and the end at once; an undocumented property, absent from the types
  Object.assign(server, { httpAllowHalfOpen: true });
  // it never listens itself; this starts its check of headersTimeout
  server.emit('listening');

  const start = (client: Socket, bytes: Buffer): void => {
    if (client.readableEnded) return void client.destroy();
    if (bytes.length > 0) client.unshift(bytes);
    server.emit('connection', client);
    client.resume();
  };

  return {
    serveProxy: (client, bytes, isAnnounced) => {
      if (isAnnounced) announced.add(client);
      start(client, bytes);
    },
    serveOrigin: ({ client, decision }, bytes, upstream) => {
      const origin: Origin = { decision, upstream };
      origins.set(client, origin);
      client.once('close', () => origin.upstream?.destroy());
      start(client, bytes);
    },
    close: () => {
      agents.keeping.destroy();
      agents.single.destroy();
      server.close();
    },
  };
};
