import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { forwardedFields, framingOf, groupFields, pairsOf, wordsOf } from './fields.ts';
import { openScan } from './placeholder.ts';
import { answerAndClose, badRequest, failure, placeholderLeak, refusal } from './refusal.ts';
import { release } from './release.ts';
import { countBytes, type Served, tellAtOnce, whyOf } from './served.ts';
import type { Target } from './target.ts';
import { cut } from './tunnel.ts';
import { DialError, type Origin, openUpstream, type WayAgent } from './upstream.ts';

/** Whether a request may change the protocol: not to HTTP/2, which names hosts out of sight, and not with a body before it. */
export const mayUpgrade = ({ rawHeaders }: IncomingMessage): boolean =>
  framingOf(rawHeaders) === 'none' && !wordsOf(rawHeaders, 'upgrade').some((word) => word.startsWith('h2'));

/** The head of a request without its wish to change the protocol, as bytes: a server may always pass over that (RFC 9110, 7.8). */
export const withoutUpgrade = ({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer => {
  const dropped = new Set(['upgrade', 'http2-settings', 'connection']);
  const wishes = wordsOf(rawHeaders, 'connection').filter((word) => !dropped.has(word));
  const fields = pairsOf(rawHeaders).filter(([name]) => !dropped.has(name.toLowerCase()));
  if (wishes.length > 0) fields.push(['Connection', wishes.join(', ')]);
  const lines = [`${method} ${url} HTTP/${httpVersion}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
};

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly client: Socket;
  /** what the client sent after its head */
  readonly head: Buffer;
  readonly target: Target;
  readonly origin: Origin | undefined;
  /** gives a connection that is this request's alone */
  readonly agent: WayAgent;
  readonly startedMs: number;
}

/** Sends a request on that changes the protocol, a WebSocket's for example; if the host agrees, bytes are copied from then on. */
export const forwardUpgrade = (served: Served, upgrade: UpgradeRequest): void => {
  const { request, client, head, target, origin, startedMs } = upgrade;
  const { decision } = target;
  const scan = openScan(served.interceptor);
  if (scan?.head(request) || (head.length > 0 && scan?.part(head))) {
    const leak = placeholderLeak(decision);
    tellAtOnce(served, leak, startedMs);
    answerAndClose(client, refusal(leak));
    return;
  }
  const pairs = [['Host', target.hostField] as const, ...forwardedFields(request.rawHeaders, ['host'])];
  const wish = wordsOf(request.rawHeaders, 'upgrade').join(', ');
  const headers = groupFields([...pairs, ['Connection', 'Upgrade'], ['Upgrade', wish]]);
  try {
    const outgoing = openUpstream(
      served,
      decision,
      { method: request.method ?? 'GET', path: target.path, headers },
      { agent: upgrade.agent, origin },
    );
    const stop = (): void => void outgoing.destroy();
    client.once('close', stop);
    outgoing.on('upgrade', (incoming, host, first) => {
      client.off('close', stop);
      letThrough(served, upgrade, incoming, host as Socket, first);
    });
    outgoing.on('response', (incoming) => declined(served, upgrade, incoming));
    outgoing.on('error', (error) => failed(served, upgrade, error));
    outgoing.end();
  } catch {
    answerAndClose(client, badRequest('the request has a character that must not be sent'));
  }
};

const renderHead = (incoming: IncomingMessage, extra: readonly (readonly [string, string])[]): string => {
  const lines = [...forwardedFields(incoming.rawHeaders), ...extra].map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${incoming.statusCode} ${incoming.statusMessage}`, ...lines, '', ''].join('\r\n');
};

/** Both sides speak another protocol from here on. */
const letThrough = (
  served: Served,
  { client, head, target, startedMs }: UpgradeRequest,
  incoming: IncomingMessage,
  host: Socket,
  first: Buffer,
): void => {
  const upgrade = wordsOf(incoming.rawHeaders, 'upgrade').join(', ');
  client.write(
    renderHead(incoming, [
      ['Connection', 'Upgrade'],
      ['Upgrade', upgrade],
    ]),
    'latin1',
  );
  if (first.length > 0) client.write(first);
  release(served, { client, host, decision: target.decision, startedMs, first: head });
};

/** An ordinary answer ends the connection: its parser has let go of it. */
const declined = (served: Served, { client, target, startedMs }: UpgradeRequest, incoming: IncomingMessage): void => {
  const count = countBytes(incoming.socket);
  client.write(renderHead(incoming, [['Connection', 'close']]), 'latin1');
  incoming.once('error', () => cut(client));
  incoming.pipe(client);
  client.resume();
  client.once('close', () =>
    served.onEvent({ decision: target.decision, startedMs, durationMs: Date.now() - startedMs, ...count() }),
  );
};

const failed = (served: Served, { client, target, startedMs }: UpgradeRequest, error: NodeJS.ErrnoException): void => {
  if (client.destroyed) return;
  const broke = {
    kind: 'failed',
    decision: target.decision,
    code: error.code ?? 'EIO',
    message: 'the connection broke before an answer',
  } as const;
  const dialled = error instanceof DialError ? error.dialled : broke;
  tellAtOnce(served, dialled.decision, startedMs, whyOf(dialled));
  answerAndClose(client, dialled.kind === 'failed' ? failure(dialled) : refusal(dialled.decision));
};
