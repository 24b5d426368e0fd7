import type { Socket } from 'node:net';
import { renderAuthority } from '../../domain/address.ts';
import type { Decision, EgressRequest } from '../../domain/decision.ts';
import type { Dialled, Unconnected } from '../egress.ts';
import { isPlainAddress, isSameHost } from './authority.ts';
import { openEarly } from './early.ts';
import { gather } from './gather.ts';
import { maxOpeningBytes, type Opening, parseOpening } from './opening.ts';
import { answerAndClose, denied, failure, nameMismatch, placeholderLeak, refusal } from './refusal.ts';
import { release } from './release.ts';
import { dial, type Served, tellAtOnce, whyOf } from './served.ts';
import { cut } from './tunnel.ts';

/** A client's connection that is allowed to go to one host, however it was asked for. */
export interface Passage {
  readonly client: Socket;
  /** what the client has sent to the host already */
  readonly first: Buffer;
  readonly request: EgressRequest;
  readonly decision: Decision;
  readonly startedMs: number;
  /** under way, so that hosts which speak first are heard; absent for a host that the interceptor serves */
  readonly dialling: Promise<Dialled> | undefined;
}

/** Serves the requests of a connection that turned out to speak HTTP; `upstream` has carried nothing yet. */
export type ServeOrigin = (passage: Passage, bytes: Buffer, upstream: Socket | undefined) => void;

/**
 * Lets a connection through once it is known what it is. The host's bytes go to the client at once; the client's first bytes wait until
 * no name in them can differ from the one that was allowed.
 */
export const openPassage = async (served: Served, serveOrigin: ServeOrigin, passage: Passage): Promise<void> => {
  const { client, decision, dialling } = passage;
  const early = openEarly(client, dialling);
  const { value, bytes } = await gather(client, passage.first, parseOpening, {
    maxBytes: maxOpeningBytes,
    restMs: served.limits.headTimeoutMs,
  });
  if (client.destroyed) return early.drop();
  const opening: Opening = value ?? { kind: bytes.length > maxOpeningBytes ? 'malformed' : 'unfinished' };
  const refused = checkOpening(served, decision, opening, bytes);
  if (refused !== undefined) {
    early.drop();
    return refuse(served, passage, opening, { kind: 'denied', decision: refused });
  }
  if (opening.kind === 'tls' && dialling === undefined) return intercept(served, passage, bytes);
  const isParsed = opening.kind === 'http' && needsParser(served, decision);
  const dialled = await (dialling ?? (isParsed ? undefined : dial(served, passage.request)));
  if (dialled !== undefined && dialled.kind !== 'connected') return refuse(served, passage, opening, dialled);
  if (client.destroyed) return early.drop();
  if (!isParsed && dialled !== undefined) {
    early.stop();
    const { socket: host } = dialled;
    return release(served, {
      client,
      host,
      decision,
      startedMs: passage.startedMs,
      first: bytes,
      heard: host.bytesRead,
    });
  }
  if (early.stop()) return serveOrigin(passage, bytes, dialled?.socket);
  early.drop();
  const late = denied(
    decision,
    'protocol',
    `${renderAuthority(decision.host)}:${decision.port} spoke first, and the client answered with HTTP`,
  );
  refuse(served, passage, opening, { kind: 'denied', decision: late });
};

/** Only a client that speaks HTTP understands an answer; others see a reset. */
const refuse = (served: Served, { client, startedMs }: Passage, opening: Opening, refused: Unconnected): void => {
  tellAtOnce(served, refused.decision, startedMs, whyOf(refused));
  if (opening.kind !== 'http') cut(client);
  else answerAndClose(client, refused.kind === 'denied' ? refusal(refused.decision) : failure(refused));
};

const intercept = (served: Served, { client, decision, request }: Passage, bytes: Buffer): void => {
  const { host, port } = decision;
  client.unshift(bytes);
  served.interceptor?.accept({
    client,
    host,
    port,
    decision,
    dial: () => dial(served, request),
    onEvent: served.onEvent,
  });
};

/** Requests to an address may name any host: the address was allowed, not a name. */
const needsParser = ({ interceptor }: Served, { host }: Decision): boolean =>
  interceptor !== undefined || !isPlainAddress(host);

const checkOpening = (served: Served, decision: Decision, opening: Opening, bytes: Buffer): Decision | undefined => {
  const { host, port } = decision;
  switch (opening.kind) {
    case 'tls':
      // without a server name a server shows what it has at its address, which is the allowed host's
      if (opening.serverName === undefined || isPlainAddress(host) || isSameHost(opening.serverName, host))
        return undefined;
      return nameMismatch(decision, 'TLS server name', opening.serverName);
    case 'http2':
      if (isPlainAddress(host) && served.interceptor === undefined) return undefined;
      return denied(
        decision,
        'protocol',
        `HTTP/2 without TLS to ${renderAuthority(host)}:${port} hides which host is meant; use HTTP/1.1 or TLS`,
      );
    case 'unfinished': {
      const waited = `${served.limits.headTimeoutMs / 1000} s`;
      const sentence = `the first bytes to ${renderAuthority(host)}:${port} could become HTTP or TLS, and nothing more came in ${waited}`;
      return denied(decision, 'unfinished', sentence);
    }
    case 'malformed':
      return denied(
        decision,
        'protocol',
        `the first bytes to ${renderAuthority(host)}:${port} are neither complete TLS nor HTTP`,
      );
    case 'other':
      return served.interceptor?.holdsPlaceholder(bytes) ? placeholderLeak(decision) : undefined;
    case 'http':
      return undefined;
  }
};
