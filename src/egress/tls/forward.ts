import { type ClientRequest, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http';
import type { Admitted, BoundHost, Injection, Refusal, RequestHead, TokenExchange } from '../../domain/injection.ts';
import { type AnyRequest, type AnyResponse, abort, answerRefusal, answerText } from './answer.ts';
import { openScanStream, PlaceholderSeen, readAll } from './bodies.ts';
import { type BodyShape, checkScheme, planHeaders, readBodyShape, readHead } from './head.ts';
import { forwardResponse } from './respond.ts';
import { type Upstream, UpstreamError } from './upstream.ts';

/** What all requests of one client connection share. */
export interface Route {
  readonly destination: BoundHost;
  readonly injection: Injection;
  readonly upstream: Upstream;
  readonly onRefusal: (refusal: Refusal) => void;
  readonly onFailure: (error: Error) => void;
  /** what every request is answered with */
  readonly refusal: Refusal | undefined;
}

/** Passes one request on with the secret in its place, and the answer back without it; never rejects. */
export const forwardRequest = async (
  request: AnyRequest,
  response: AnyResponse,
  route: Route,
  expectsContinue: boolean,
): Promise<void> => {
  request.on('error', () => {});
  response.on('error', () => {});
  const head = readHead(request);
  const admitted = route.refusal ?? checkScheme(request) ?? route.injection.admit(head, route.destination);
  try {
    if (admitted.kind === 'refused') throw new Refused(admitted);
    await pass({ request, response, route, head, admitted, expectsContinue });
  } catch (error) {
    settle(request, response, route, error as Error);
  }
};

/** A refusal on its way to the client. */
class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.sentence);
    this.refusal = refusal;
  }
}

interface Passage {
  readonly request: AnyRequest;
  readonly response: AnyResponse;
  readonly route: Route;
  readonly head: RequestHead;
  readonly admitted: Admitted;
  readonly expectsContinue: boolean;
}

/** Bodies up to this size are searched before anything of the request leaves. */
const wholeBytes = 256 * 1024;

const pass = async (passage: Passage): Promise<void> => {
  const { request, response, route, head, admitted, expectsContinue } = passage;
  const shape = readBodyShape(request, head);
  if (admitted.body === 'exchange') {
    if (expectsContinue) response.writeContinue();
    await renew(passage, shape, route.injection.exchange(head, route.destination));
    return;
  }
  if (shape.present && (shape.length ?? Number.POSITIVE_INFINITY) <= wholeBytes) {
    if (expectsContinue) response.writeContinue();
    const whole = await readWhole(passage);
    if (admitted.body !== 'pass' && route.injection.openScan().found(whole)) throw new PlaceholderSeen();
    await send(passage, { present: true, length: whole.length }, undefined, (upstream) => upstream.end(whole));
    return;
  }
  await send(passage, shape, undefined, (upstream, fail) => {
    if (!shape.present) {
      upstream.end();
      return;
    }
    if (expectsContinue) upstream.once('continue', () => response.writeContinue());
    const scan = openScanStream(admitted.body === 'pass' ? { found: () => false } : route.injection.openScan());
    // not pipeline(): on an error it ends the connection that the answer has to take
    scan.once('error', (error) => {
      request.resume();
      // a server may have answered all before the body was at its end
      if (response.writableEnded) route.onRefusal(placeholderInBody(route.destination));
      fail(error);
    });
    request.pipe(scan).pipe(upstream);
  });
};

/** A request to a token endpoint, which is answered here where the login has been renewed meanwhile. */
const renew = async (passage: Passage, { present }: BodyShape, exchange: TokenExchange): Promise<void> => {
  const { response, head } = passage;
  const type = head.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? 'application/json';
  try {
    const rewritten = await exchange.request(await readWhole(passage), type);
    if ('kind' in rewritten) throw new Refused(rewritten);
    if ('answer' in rewritten) {
      response.setHeader('content-type', 'application/json');
      (response as ServerResponse).end(rewritten.answer);
      return;
    }
    const { body } = rewritten;
    await send(passage, { present, length: body.length }, exchange, (upstream) => upstream.end(body));
  } finally {
    exchange.end();
  }
};

const readWhole = async ({ request }: Passage): Promise<Buffer> => {
  const body = await readAll(request as IncomingMessage, wholeBytes);
  if (body === undefined) throw new Refused(tooLong);
  return body;
};

const tooLong: Refusal = {
  kind: 'refused',
  status: 413,
  reason: 'malformed',
  sentence: 'the body for a token endpoint is too long',
};

/** Resolves when the answer is complete. */
const send = (
  { response, route, head, admitted, expectsContinue }: Passage,
  shape: BodyShape,
  exchange: TokenExchange | undefined,
  write: (upstream: ClientRequest, fail: (error: Error) => void) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = planHeaders(admitted.headers, route.destination, head.method, shape);
    if (expectsContinue && shape.present && (shape.length ?? Number.POSITIVE_INFINITY) > wholeBytes)
      headers.push(['expect', '100-continue']);
    const upstream = openRequest({
      agent: route.upstream.agent,
      method: head.method,
      path: admitted.target,
      // as pairs, so that order, spelling and repetition stay as they came; the types know objects only
      headers: headers as never,
    });
    const fail = (error: Error): void => {
      upstream.destroy();
      reject(upstream.reusedSocket && isReset(error) ? new StaleConnection() : error);
    };
    upstream.once('error', fail);
    // without a listener Node ends the connection, and tells nobody
    upstream.once('upgrade', (_answer, socket) => {
      socket.destroy();
      fail(new UpstreamError(502, `${route.destination.host} changed the protocol without being asked`));
    });
    let complete = false;
    upstream.once('response', (answer) => {
      const done = forwardResponse(answer, response as ServerResponse, route, head.method, exchange);
      done.then(() => {
        complete = true;
        resolve();
      }, fail);
    });
    response.once('close', () => {
      if (!complete) upstream.destroy();
      resolve();
    });
    write(upstream, fail);
    // the client may be the one to wait: for a "continue", or for an answer before its body ends
    if (shape.present) upstream.flushHeaders();
  });

/** The server closed a kept connection just as it was used: the client's own connection ends the same way, and it knows what to repeat. */
class StaleConnection extends Error {}

const isReset = (error: NodeJS.ErrnoException): boolean => error.code === 'ECONNRESET' || error.code === 'EPIPE';

const settle = (request: AnyRequest, response: AnyResponse, route: Route, error: Error): void => {
  if (error instanceof PlaceholderSeen) {
    settle(request, response, route, new Refused(placeholderInBody(route.destination)));
  } else if (error instanceof Refused) {
    route.onRefusal(error.refusal);
    answerRefusal(request, response, error.refusal);
  } else if (error instanceof StaleConnection) abort(request, response);
  else {
    route.onFailure(error);
    const denied = error instanceof UpstreamError ? error.decision : undefined;
    const status = error instanceof UpstreamError ? error.status : 502;
    const sentence = error instanceof UpstreamError ? error.message : failureOf(route.destination, error);
    answerText(request, response, status, sentence, denied && `deny; reason=${denied.reason}`);
  }
};

const placeholderInBody = ({ host }: BoundHost): Refusal => ({
  kind: 'refused',
  status: 403,
  reason: 'placeholder',
  sentence: `the placeholder of a credential is in the body of a request to ${host}, where it must not be`,
});

/** Never the text of an error: that may quote what was sent. */
const failureOf = ({ host }: BoundHost, { code = 'unknown' }: NodeJS.ErrnoException): string =>
  `the request to ${host} failed: ${code}`;
