import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { EgressEvent } from '../../domain/decision.ts';
import { forwardedFields, forwardedTrailers, framingOf, groupFields } from './fields.ts';
import { openScan } from './placeholder.ts';
import { type Answer, badRequest, failure, placeholderLeak, refusal } from './refusal.ts';
import { countBytes, type Served, tellAtOnce, whyOf } from './served.ts';
import type { Target } from './target.ts';
import { type Agents, DialError, type Origin, openUpstream } from './upstream.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: Target;
  readonly origin: Origin | undefined;
  readonly agents: Agents;
  readonly startedMs: number;
}

/** Sends one request on and its response back, both as they come. */
export const forward = (served: Served, exchange: Exchange): void => {
  const { request, response, target, startedMs } = exchange;
  const scan = openScan(served.interceptor);
  if (scan?.head(request)) {
    const decision = placeholderLeak(target.decision);
    tellAtOnce(served, decision, startedMs);
    sendAnswer(response, refusal(decision));
  } else {
    attempt(served, exchange, isRepeatable(request));
  }
};

/** Only what may be sent twice goes over a connection that its host may be closing just now (RFC 9110, 9.2.2). */
const isRepeatable = ({ method = '', rawHeaders }: IncomingMessage): boolean =>
  ['GET', 'HEAD', 'OPTIONS'].includes(method) && framingOf(rawHeaders) === 'none';

const attempt = (served: Served, exchange: Exchange, reuse: boolean): void => {
  const { response } = exchange;
  const outgoing = open(served, exchange, reuse);
  if (outgoing === undefined) {
    sendAnswer(response, badRequest('the request has a character that must not be sent'));
    return;
  }
  const report = openReport(served, exchange, outgoing);
  outgoing.on('continue', () => response.writeContinue());
  outgoing.on('response', (incoming) => sendBack(incoming, response));
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    if (response.headersSent || response.destroyed) return void response.destroy();
    if (reuse && outgoing.reusedSocket && !(error instanceof DialError)) {
      report.forget();
      return attempt(served, exchange, false);
    }
    report.fail(error);
    sendAnswer(response, answerFor(error, exchange.target));
  });
  const stop = (): void => void (response.writableFinished || outgoing.destroy());
  response.once('close', stop);
  sendBody(served, exchange, outgoing);
};

const open = (
  served: Served,
  { request, target, agents, origin }: Exchange,
  reuse: boolean,
): ClientRequest | undefined => {
  const { method = '', rawHeaders } = request;
  const headers = groupFields([['Host', target.hostField], ...forwardedFields(rawHeaders, ['host'])]);
  if (framingOf(rawHeaders) === 'chunked') headers['Transfer-Encoding'] = 'chunked';
  try {
    const head = { method, path: target.path, headers };
    return openUpstream(served, target.decision, head, { agent: reuse ? agents.keeping : agents.single, origin });
  } catch {
    return undefined;
  }
};

const answerFor = (error: NodeJS.ErrnoException, { decision }: Target): Answer => {
  if (!(error instanceof DialError)) {
    const code = error.code ?? 'EIO';
    return failure({ kind: 'failed', decision, code, message: 'the connection broke before an answer' });
  }
  return error.dialled.kind === 'denied' ? refusal(error.dialled.decision) : failure(error.dialled);
};

/** Tells of a request once, when its response is over. */
const openReport = (served: Served, { response, target, startedMs }: Exchange, outgoing: ClientRequest) => {
  let event: EgressEvent = { decision: target.decision, startedMs, durationMs: 0, bytesOut: 0, bytesIn: 0 };
  let isForgotten = false;
  // afterwards the connection may belong to another request
  let snapshot = (): void => {};
  outgoing.on('socket', (socket) => {
    const count = countBytes(socket);
    snapshot = () => {
      event = { ...event, ...count() };
    };
  });
  outgoing.on('response', (incoming) =>
    incoming.once('end', () => snapshot()).once('end', () => (snapshot = () => {})),
  );
  response.once('close', () => {
    snapshot();
    if (!isForgotten) served.onEvent({ ...event, durationMs: Date.now() - startedMs });
  });
  return {
    forget: () => {
      isForgotten = true;
    },
    fail: (error: NodeJS.ErrnoException) => {
      if (!(error instanceof DialError)) event = { ...event, error: error.code ?? error.message };
      else if (error.dialled.kind === 'denied') event = { ...event, decision: error.dialled.decision };
      else event = { ...event, ...whyOf(error.dialled) };
    },
  };
};

const sendBody = (
  served: Served,
  { request, response, target, startedMs }: Exchange,
  outgoing: ClientRequest,
): void => {
  if (framingOf(request.rawHeaders) === 'none') return void outgoing.end();
  const scan = openScan(served.interceptor);
  const refuseLeak = (): void => {
    const decision = placeholderLeak(target.decision);
    request.off('data', send).resume();
    tellAtOnce(served, decision, startedMs);
    if (response.headersSent) response.destroy();
    else sendAnswer(response, refusal(decision));
    outgoing.destroy();
  };
  const send = (chunk: Buffer): void => {
    if (scan?.part(chunk)) refuseLeak();
    else if (!outgoing.write(chunk)) request.pause();
  };
  outgoing.on('drain', () => request.resume());
  // a host may answer early and close: what is still to come is thrown away
  outgoing.once('close', () => request.off('data', send).resume());
  request.on('data', send);
  request.once('end', () => {
    if (outgoing.destroyed) return;
    const trailers = forwardedTrailers(request.rawTrailers);
    if (scan?.trailers(request.rawTrailers)) return refuseLeak();
    if (trailers.length > 0) outgoing.addTrailers(trailers);
    outgoing.end();
  });
};

const sendBack = (incoming: IncomingMessage, response: ServerResponse): void => {
  response.sendDate = false;
  response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, forwardedFields(incoming.rawHeaders).flat());
  // with the first part of the body if that is here already, and not later than that takes to see: events may be far apart
  setImmediate(() => response.destroyed || response.writableEnded || response.flushHeaders());
  incoming.once('end', () => {
    const trailers = forwardedTrailers(incoming.rawTrailers);
    if (trailers.length > 0) response.addTrailers(trailers);
  });
  // a body that was cut must not look complete
  incoming.once('error', () => response.destroy());
  incoming.pipe(response);
};

export const sendAnswer = (response: ServerResponse, { status, headers, body }: Answer): void => {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
  response.req.resume();
};
