import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
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
  const server = openParser(served);
  const start = (client: Socket, bytes: Buffer): void => {
    if (client.readableEnded) return void client.destroy();
    if (bytes.length > 0) client.unshift(bytes);
    server.emit('connection', client);
    client.resume();
  };
  const agents: Agents = { keeping: new WayAgent(true), single: new WayAgent(false) };
  const desk: Desk = { served, agents, origins: new WeakMap(), announced: new WeakSet(), start };
  attend(desk, server, serveConnect);
  return {
    serveProxy: (client, bytes, isAnnounced) => {
      if (isAnnounced) desk.announced.add(client);
      start(client, bytes);
    },
    serveOrigin: ({ client, decision }, bytes, upstream) => {
      const origin: Origin = { decision, upstream };
      desk.origins.set(client, origin);
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

/** What the requests of all connections share. */
interface Desk {
  readonly served: Served;
  readonly agents: Agents;
  /** connections that go to one host */
  readonly origins: WeakMap<Duplex, Origin>;
  /** connections that need no token */
  readonly announced: WeakSet<Duplex>;
  /** gives a connection to the parser, which first sees some bytes that were read already */
  readonly start: (client: Socket, bytes: Buffer) => void;
}

const openParser = ({ limits }: Served): Server => {
  const server = createServer({
    insecureHTTPParser: false,
    requireHostHeader: false,
    headersTimeout: limits.headTimeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    noDelay: true,
  });
  // a client may send its request and the end at once; an undocumented property, absent from the types
  Object.assign(server, { httpAllowHalfOpen: true });
  // it never listens itself; this starts its check of headersTimeout
  server.emit('listening');
  return server;
};

const attend = (desk: Desk, server: Server, serveConnect: ServeConnect): void => {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    orCut(request.socket, serveRequest(desk, request, response));
  server.on('request', onRequest).on('checkContinue', onRequest);
  server.on('upgrade', (request, client, head) => {
    orCut(client as Socket, serveUpgrade(desk, request, client as Socket, head));
  });
  server.on('connect', (request, duplex, head) => {
    const client = duplex as Socket;
    if (lacksToken(desk, request)) answerAndClose(client, tokenRequired());
    else if (!desk.origins.has(client)) serveConnect(request, client, head);
    else answerAndClose(client, badRequest('CONNECT is for a proxy, and this connection goes to a host', 405));
  });
  server.on('clientError', (_error, client) => {
    if (client.writable) answerAndClose(client as Socket, badRequest('the request is not valid HTTP/1.1'));
    else client.destroy();
  });
};

const lacksToken = ({ served, origins, announced }: Desk, { socket, headers }: IncomingMessage): boolean =>
  !origins.has(socket) && !announced.has(socket) && !presentsToken(served.token, headers);

const serveRequest = async (desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { served, agents, origins } = desk;
  const startedMs = Date.now();
  if (lacksToken(desk, request)) return sendAnswer(response, tokenRequired());
  const origin = origins.get(request.socket);
  const target = await findTarget(served, request, origin?.decision);
  if (response.destroyed) return;
  if (target.kind === 'target') return forward(served, { request, response, target, origin, agents, startedMs });
  if (target.kind === 'bad') return sendAnswer(response, target.answer);
  tellAtOnce(served, target.decision, startedMs);
  sendAnswer(response, refusal(target.decision));
};

const serveUpgrade = async (desk: Desk, request: IncomingMessage, client: Socket, head: Buffer): Promise<void> => {
  const { served, agents, origins, start } = desk;
  const startedMs = Date.now();
  if (lacksToken(desk, request)) return answerAndClose(client, tokenRequired());
  if (!mayUpgrade(request)) return start(client, Buffer.concat([withoutUpgrade(request), head]));
  const origin = origins.get(client);
  const target = await findTarget(served, request, origin?.decision);
  if (client.destroyed) return;
  const agent = agents.single;
  if (target.kind === 'target')
    return forwardUpgrade(served, { request, client, head, target, origin, agent, startedMs });
  if (target.kind === 'bad') return answerAndClose(client, target.answer);
  tellAtOnce(served, target.decision, startedMs);
  answerAndClose(client, refusal(target.decision));
};
