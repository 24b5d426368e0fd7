import { Http2ServerRequest } from 'node:http2';
import type { BoundHost, Refusal, RequestHead } from '../../domain/injection.ts';
import type { AnyRequest } from './answer.ts';
import { pairHeaders, valuesOf, without, withoutHopByHop } from './headers.ts';

type Header = readonly [string, string];

/** The head of a request; of HTTP/2 without the pseudo-headers, `:authority` as the Host that it stands for (RFC 9113, 8.3.1). */
export const readHead = (request: AnyRequest): RequestHead => {
  const { method = '', url: target = '' } = request;
  const headers = pairHeaders(request.rawHeaders);
  if (!(request instanceof Http2ServerRequest)) return { method, target, headers };
  const plain = headers.filter(([name]) => !name.startsWith(':'));
  const authority = request.headers[':authority'];
  const named = valuesOf(plain, 'host');
  // both are allowed if they agree; otherwise both stay, and two of them are refused
  const rest = named.length === 1 && named[0] === authority ? without(plain, 'host') : plain;
  return { method, target, headers: authority === undefined ? rest : [['host', authority], ...rest] };
};

/** HTTP/2 states the scheme; any other than that of the connection would name another resource (RFC 9113, 8.3.1). */
export const checkScheme = (request: AnyRequest): Refusal | undefined =>
  request instanceof Http2ServerRequest && request.headers[':scheme'] !== 'https'
    ? { kind: 'refused', status: 421, reason: 'name-mismatch', sentence: 'the scheme of the request is not https' }
    : undefined;

/** What is known of a request's body before it comes. */
export interface BodyShape {
  readonly present: boolean;
  readonly length: number | undefined;
}

export const readBodyShape = (request: AnyRequest, { headers }: RequestHead): BodyShape => {
  const [text] = valuesOf(headers, 'content-length');
  const length = text === undefined ? undefined : Number(text);
  const present =
    request instanceof Http2ServerRequest
      ? !request.stream.endAfterHeaders
      : (length ?? 0) > 0 || valuesOf(headers, 'transfer-encoding').length > 0;
  return { present, length: present ? length : 0 };
};

/** The headers that go to the real host: end-to-end ones, then those that sbox itself answers for. */
export const planHeaders = (
  headers: readonly Header[],
  { host, port }: BoundHost,
  method: string,
  body: BodyShape,
): Header[] => {
  const kept = without(withoutHopByHop(headers), 'host', 'content-length', 'expect', 'accept-encoding');
  const silent = !body.present && /^(GET|HEAD|DELETE|OPTIONS)$/.test(method);
  const framing: Header =
    body.length === undefined ? ['transfer-encoding', 'chunked'] : ['content-length', String(body.length)];
  return [
    ['host', port === 443 ? host : `${host}:${port}`],
    ...kept,
    // what comes back is searched for secrets: nothing is won by packing it first
    ['accept-encoding', 'identity'],
    ...(silent ? [] : [framing]),
  ];
};
