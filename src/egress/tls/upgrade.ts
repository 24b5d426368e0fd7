import { type IncomingMessage, request as openRequest, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream';
import type { Admitted, Refusal } from '../../domain/injection.ts';
import { renderRefusal } from './answer.ts';
import { openScanStream, openScrubStream, PlaceholderSeen } from './bodies.ts';
import type { Route } from './forward.ts';
import { planHeaders, readHead } from './head.ts';
import { without } from './headers.ts';
import { admitHeaders, isTransferCoded } from './respond.ts';
import { UpstreamError } from './upstream.ts';

/** Passes a WebSocket (RFC 6455) on: frames from the client are searched for placeholders, those of the server for secrets. */
export const forwardUpgrade = (request: IncomingMessage, client: Duplex, first: Buffer, route: Route): void => {
  const { destination, injection } = route;
  const head = readHead(request);
  client.on('error', () => client.destroy());
  const admitted = route.refusal ?? injection.admit(head, destination);
  if (admitted.kind === 'refused') {
    refuse(client, route, admitted);
  } else if (/^websocket$/i.test(request.headers.upgrade ?? '')) {
    if (first.length > 0) client.unshift(first);
    open(client, route, head.method, admitted);
  } else refuse(client, route, notPassed);
};

const refuse = (client: Duplex, route: Route, refusal: Refusal): void => {
  route.onRefusal(refusal);
  client.end(renderRefusal(refusal));
};

const open = (client: Duplex, route: Route, method: string, admitted: Admitted): void => {
  const { destination, upstream } = route;
  const headers = planHeaders(admitted.headers, destination, 'GET', { present: false, length: 0 });
  const leaving = openRequest({
    agent: upstream.agent,
    method,
    path: admitted.target,
    // without extensions frames hold the text itself
    headers: [
      ...without(headers, 'sec-websocket-extensions'),
      ['connection', 'Upgrade'],
      ['upgrade', 'websocket'],
    ] as never,
  });
  client.once('close', () => leaving.destroy());
  leaving.once('error', (error) => {
    route.onFailure(error);
    const [status, sentence] =
      error instanceof UpstreamError
        ? [error.status, error.message]
        : [502, `the request to ${destination.host} failed`];
    client.end(renderRefusal({ kind: 'refused', status, reason: 'protocol', sentence }));
  });
  leaving.once('response', (answer) => passRefusal(answer, client, route));
  leaving.once('upgrade', (answer, server, early) => {
    if (early.length > 0) server.unshift(early);
    join(answer, server, client, route);
  });
  leaving.end();
};

/** The server answers as to any request: the connection ends with it. */
const passRefusal = (answer: IncomingMessage, client: Duplex, { injection }: Route): void => {
  client.write(renderHead(answer, admitHeaders(answer.rawHeaders, injection), ['connection: close']));
  // a body that is encoded can't be searched
  if (answer.headers['content-encoding'] !== undefined || isTransferCoded(answer)) client.end();
  else pipeline(answer, openScrubStream(injection.openScrubber()), client, () => {});
};

const join = (answer: IncomingMessage, server: Duplex, client: Duplex, route: Route): void => {
  const { injection, destination } = route;
  server.on('error', () => server.destroy());
  if (answer.headers['sec-websocket-extensions'] !== undefined) {
    server.destroy();
    refuse(client, route, notPassed);
    return;
  }
  const lines = ['connection: Upgrade', 'upgrade: websocket'];
  client.write(renderHead(answer, admitHeaders(answer.rawHeaders, injection), lines));
  // two pipelines listen to each end, more often than Node thinks right (events, defaultMaxListeners)
  for (const end of [client, server]) end.setMaxListeners(0);
  pipeline(server, openScrubStream(injection.openFrameScrubber()), client, () => server.destroy());
  pipeline(client, openScanStream(injection.openFrameScan()), server, (error) => {
    if (error instanceof PlaceholderSeen) route.onRefusal(inFrame(destination.host));
    if (error) client.destroy();
  });
};

const renderHead = (
  { statusCode = 502 }: IncomingMessage,
  headers: readonly (readonly [string, string])[],
  lines: readonly string[],
): Buffer =>
  Buffer.from(
    [
      `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`,
      ...without(headers, ...(statusCode === 101 ? [] : ['content-length'])).map(
        ([name, value]) => `${name}: ${value}`,
      ),
      ...lines,
      '',
      '',
    ].join('\r\n'),
    'latin1',
  );

const notPassed: Refusal = {
  kind: 'refused',
  status: 403,
  reason: 'protocol',
  sentence: 'to a host that a credential is bound to a connection is upgraded to a plain WebSocket only',
};

const inFrame = (host: string): Refusal => ({
  kind: 'refused',
  status: 403,
  reason: 'placeholder',
  sentence: `the placeholder of a credential is in a WebSocket message to ${host}, where it must not be`,
});
