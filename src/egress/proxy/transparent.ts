import type { Socket } from 'node:net';
import type { EgressRequest } from '../../domain/decision.ts';
import type { Destination } from '../egress.ts';
import { serveDns } from './dns-stream.ts';
import { gather } from './gather.ts';
import { maxOpeningBytes, parseOpening } from './opening.ts';
import { openPassage, type ServeOrigin } from './passage.ts';
import { answerAndClose, refusal } from './refusal.ts';
import { dial, type Served, tellAtOnce } from './served.ts';
import { cut } from './tunnel.ts';

/** Serves a client that knows of no proxy: its connection was meant for a name behind a stand-in, or for an address. */
export const serveTransparent = async (
  served: Served,
  serveOrigin: ServeOrigin,
  client: Socket,
  { host, port, dialling: begun }: Extract<Destination, { kind: 'transparent' }>,
): Promise<void> => {
  const startedMs = Date.now();
  // whichever server the client had in mind, names are answered here
  if (port === dnsPort) return served.answerDns === undefined ? cut(client) : serveDns(client, served.answerDns);
  const request: EgressRequest = { host, port, protocol: 'transparent' };
  const decision = await served.egress.decide(request);
  if (decision.verdict === 'deny') {
    tellAtOnce(served, decision, startedMs);
    return refuse(client, () => answerAndClose(client, refusal(decision)));
  }
  const isBound = served.interceptor?.isBound(decision.host, decision.port) ?? false;
  const dialling = isBound ? undefined : (begun ?? dial(served, request));
  await openPassage(served, serveOrigin, { client, first: none, request, decision, startedMs, dialling });
};

const dnsPort = 53;
const none = Buffer.alloc(0);
/** How long a refused client has to show that it would understand an answer. */
const refusedMs = 1_000;

const refuse = async (client: Socket, answer: () => void): Promise<void> => {
  const { value } = await gather(client, none, parseOpening, {
    maxBytes: maxOpeningBytes,
    firstByteMs: refusedMs,
    restMs: refusedMs,
  });
  if (value?.kind === 'http') answer();
  else cut(client);
};
