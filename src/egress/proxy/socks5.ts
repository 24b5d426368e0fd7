import type { Socket } from 'node:net';
import type { EgressRequest } from '../../domain/decision.ts';
import { dropWay, findWay, type Way } from './connect.ts';
import { gather } from './gather.ts';
import { openPassage, type ServeOrigin } from './passage.ts';
import { type Served, tellAtOnce, whyOf } from './served.ts';
import {
  parseGreeting,
  parsePassword,
  parseSocksRequest,
  type Read,
  renderSocksReply,
  socksMethod,
  socksReply,
} from './socks5-messages.ts';

export interface SocksClient {
  readonly client: Socket;
  readonly first: Buffer;
  readonly isAnnounced: boolean;
}

/** Serves a client of SOCKS5 (RFC 1928): CONNECT alone, to names and addresses. */
export const serveSocks5 = async (served: Served, serveOrigin: ServeOrigin, socks: SocksClient): Promise<void> => {
  const { client } = socks;
  const rest = await greet(served, socks);
  if (rest === undefined) return;
  const read = await readPart(served, client, rest, parseSocksRequest);
  if (read === undefined) return void client.destroy();
  if (read.command !== 1) return reply(client, socksReply.commandNotSupported);
  if (read.host === undefined) return reply(client, socksReply.addressTypeNotSupported);
  const request: EgressRequest = { host: read.host, port: read.port, protocol: 'socks5' };
  const startedMs = Date.now();
  const way = await findWay(served, request);
  if (client.destroyed) return dropWay(way);
  if (way.kind !== 'allowed') {
    tellAtOnce(served, way.decision, startedMs, whyOf(way));
    return reply(client, replyFor(way));
  }
  client.write(renderSocksReply(socksReply.succeeded));
  const { decision, dialling } = way;
  await openPassage(served, serveOrigin, { client, first: read.rest, request, decision, startedMs, dialling });
};

/** Agrees on a method; gives what the client sent after that, undefined if the connection is over. */
const greet = async (served: Served, { client, first, isAnnounced }: SocksClient): Promise<Buffer | undefined> => {
  const greeting = await readPart(served, client, first, parseGreeting);
  if (greeting === undefined) return void client.destroy();
  const offered = isAnnounced ? [socksMethod.none, socksMethod.password] : [socksMethod.password];
  const method = offered.find((candidate) => greeting.methods.includes(candidate)) ?? socksMethod.unacceptable;
  const answer = Buffer.from([5, method]);
  if (method === socksMethod.unacceptable) return end(client, answer);
  client.write(answer);
  if (method === socksMethod.none) return greeting.rest;
  const login = await readPart(served, client, greeting.rest, parsePassword);
  if (login === undefined) return void client.destroy();
  // the broker's word is worth more than a password, which some clients always send
  const isPresented = isAnnounced || served.token?.isPresented(login.user, login.password) === true;
  if (!isPresented) return end(client, Buffer.from([1, 1]));
  client.write(Buffer.from([1, 0]));
  return login.rest;
};

const maxPartBytes = 4 * 1024;

const readPart = async <T extends object>(
  { limits }: Served,
  client: Socket,
  first: Buffer,
  parse: (bytes: Buffer) => Read<T>,
): Promise<(T & { readonly rest: Buffer }) | undefined> => {
  const limit = { maxBytes: maxPartBytes, firstByteMs: limits.headTimeoutMs, restMs: limits.headTimeoutMs };
  const { value } = await gather(client, first, parse, limit);
  return value === undefined || 'bad' in value ? undefined : value;
};

const reply = (client: Socket, code: number): void => end(client, renderSocksReply(code));

const end = (client: Socket, bytes: Buffer): undefined => {
  client.end(bytes, () => client.destroySoon());
  client.resume();
};

const replyFor = (way: Exclude<Way, { kind: 'allowed' }>): number => {
  if (way.kind === 'denied') return socksReply.notAllowed;
  if (way.code === 'ECONNREFUSED') return socksReply.refused;
  if (way.code === 'ENETUNREACH') return socksReply.networkUnreachable;
  return socksReply.hostUnreachable;
};
