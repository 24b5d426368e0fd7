import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import type { Injection, TokenExchange } from '../../domain/injection.ts';
import { openDecoders, openScrubStream, readAll } from './bodies.ts';
import { groupHeaders, pairHeaders, without, withoutHopByHop } from './headers.ts';
import { UpstreamError } from './upstream.ts';

type Header = readonly [string, string];

/** The headers of an answer that may come in, the secret replaced. */
export const admitHeaders = (raw: readonly string[], injection: Injection): Header[] =>
  // another way to the same host that would lead round the proxy (RFC 7838) is not told
  without(withoutHopByHop(pairHeaders(raw)), 'alt-svc').flatMap(([name, value]) => {
    const header = injection.scrubHeader(name, value);
    return header === undefined ? [] : [header];
  });

/** A transfer coding beside chunks, which Node does not undo (RFC 9112, 7). */
export const isTransferCoded = ({ headers }: IncomingMessage): boolean =>
  !/^(chunked)?$/i.test(headers['transfer-encoding']?.trim() ?? '');

/** Passes an answer back as it comes, the secret replaced; rejects if it can't be searched or breaks off. */
export const forwardResponse = async (
  answer: IncomingMessage,
  response: ServerResponse,
  route: { readonly injection: Injection; readonly destination: { readonly host: string } },
  method: string,
  exchange: TokenExchange | undefined,
): Promise<void> => {
  const { injection, destination } = route;
  const status = answer.statusCode ?? 502;
  const headers = admitHeaders(answer.rawHeaders, injection);
  const empty = method === 'HEAD' || status === 204 || status === 304;
  const decoders = empty ? [] : openDecoders(answer.headers['content-encoding'] ?? '');
  if (isTransferCoded(answer) || decoders === undefined || (status === 206 && decoders.length > 0)) {
    throw new UpstreamError(
      502,
      `the answer of ${destination.host} is encoded in a way that sbox can't search for secrets`,
    );
  }
  const decoded = decoders.length === 0 && exchange === undefined ? headers : without(headers, ...changed);
  response.statusCode = status;
  for (const [name, value] of groupHeaders(decoded)) response.setHeader(name, value);
  if (exchange !== undefined) {
    const body = await exchange.response(status, await readToken(answer, decoders, destination.host));
    response.setHeader('content-length', body.length);
    response.end(body);
    return;
  }
  await pump(join(answer, [...decoders, openScrubStream(injection.openScrubber())]), response);
  const trailers = admitHeaders(answer.rawTrailers, injection);
  if (trailers.length > 0) response.addTrailers(Object.fromEntries(groupHeaders(trailers)) as Record<string, string>);
  response.end();
};

/** Headers that describe the bytes of an encoded body. */
const changed = ['content-encoding', 'content-length', 'content-md5', 'accept-ranges'];

const mostTokenBytes = 1024 ** 2;

const readToken = async (answer: IncomingMessage, decoders: readonly NodeJS.ReadWriteStream[], host: string) => {
  const body = await readAll(join(answer, decoders), mostTokenBytes);
  if (body === undefined) throw new UpstreamError(502, `the answer of the token endpoint of ${host} is too long`);
  return body;
};

/** The end of a chain of streams; whatever fails in it, fails there. */
const join = (source: Readable, stages: readonly NodeJS.ReadWriteStream[]): Readable =>
  stages.length === 0 ? source : (pipeline([source, ...stages], () => {}) as unknown as Readable);

/** Writes what comes at once, no more than the reader takes, without ending the destination. */
const pump = (source: Readable, response: ServerResponse): Promise<void> =>
  new Promise((resolve, reject) => {
    // the head waits for the first bytes of the body, if they are there already, and goes alone if not
    const flush = setImmediate(() => response.flushHeaders());
    source.on('data', (bytes: Buffer) => {
      clearImmediate(flush);
      if (response.write(bytes)) return;
      source.pause();
      response.once('drain', () => source.resume());
    });
    const settled = (act: () => void) => () => {
      clearImmediate(flush);
      act();
    };
    source.once('end', settled(resolve));
    source.once('error', (error) => settled(() => reject(error))());
    response.once('close', settled(resolve));
  });
