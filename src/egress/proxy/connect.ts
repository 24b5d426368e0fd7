import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Decision, EgressRequest } from '../../domain/decision.ts';
import type { Dialled, Unconnected } from '../egress.ts';
import { parseAuthority } from './authority.ts';
import { openPassage, type ServeOrigin } from './passage.ts';
import { answerAndClose, badRequest, failure, refusal } from './refusal.ts';
import { dial, type Served, tellAtOnce, whyOf } from './served.ts';

/** Makes the tunnel that a CONNECT request asks for (RFC 9110, 9.3.6). */
export const serveConnect = async (
  served: Served,
  serveOrigin: ServeOrigin,
  {
    request: { url = '' },
    client,
    head,
  }: { readonly request: IncomingMessage; readonly client: Socket; readonly head: Buffer },
): Promise<void> => {
  const authority = parseAuthority(url);
  if (authority === undefined)
    return answerAndClose(client, badRequest('CONNECT takes a host and a port: "example.com:443"'));
  const startedMs = Date.now();
  const request: EgressRequest = { ...authority, protocol: 'connect' };
  const way = await findWay(served, request);
  if (client.destroyed) return dropWay(way);
  if (way.kind !== 'allowed') {
    tellAtOnce(served, way.decision, startedMs, whyOf(way));
    return answerAndClose(client, way.kind === 'denied' ? refusal(way.decision) : failure(way));
  }
  client.write('HTTP/1.1 200 Connection established\r\n\r\n');
  const { decision, dialling } = way;
  await openPassage(served, serveOrigin, { client, first: head, request, decision, startedMs, dialling });
};

export type Way =
  | Unconnected
  | { readonly kind: 'allowed'; readonly decision: Decision; readonly dialling: Promise<Dialled> | undefined };

/** Reaches a host before the client is told so; one that the interceptor serves is reached later, by that. */
export const findWay = async (served: Served, request: EgressRequest): Promise<Way> => {
  if (served.interceptor !== undefined) {
    const decision = await served.egress.decide(request);
    if (decision.verdict === 'deny') return { kind: 'denied', decision };
    if (served.interceptor.isBound(decision.host, decision.port))
      return { kind: 'allowed', decision, dialling: undefined };
  }
  const dialled = await dial(served, request);
  if (dialled.kind !== 'connected') return dialled;
  return { kind: 'allowed', decision: dialled.decision, dialling: Promise.resolve(dialled) };
};

/** For a client that has gone meanwhile. */
export const dropWay = (way: Way): void => {
  if (way.kind === 'allowed')
    void way.dialling?.then((dialled) => dialled.kind === 'connected' && dialled.socket.destroy());
};
