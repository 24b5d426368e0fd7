import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Refusal } from '../../domain/injection.ts';

/** A request and its answer over either version of HTTP. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** Answers with one sentence, as every refusal of the proxy does; a connection of HTTP/1.1 stays usable. */
export const answerRefusal = (request: AnyRequest, response: AnyResponse, refusal: Refusal): void => {
  answerText(request, response, refusal.status, refusal.sentence, `deny; reason=${refusal.reason}`);
};

export const answerText = (
  request: AnyRequest,
  response: AnyResponse,
  status: number,
  sentence: string,
  decision?: string,
): void => {
  if (response.headersSent) {
    abort(request, response);
    return;
  }
  request.unpipe();
  // what the client still sends is read and dropped, so that it gets to reading the answer
  request.resume();
  response.statusCode = status;
  for (const [name, value] of textHeaders(sentence, decision)) response.setHeader(name, value);
  (response as ServerResponse).end(bodyOf(sentence));
};

/** The same as bytes, for a connection that has left HTTP's rules. */
export const renderRefusal = ({ status, sentence, reason }: Refusal): string =>
  [
    `HTTP/1.1 ${status} Refused`,
    ...textHeaders(sentence, `deny; reason=${reason}`).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
    '',
    bodyOf(sentence),
  ].join('\r\n');

/** Ends an answer that has begun so that the client can't take it for complete. */
export const abort = (request: AnyRequest, response: AnyResponse): void => {
  if ('stream' in response && response.stream !== undefined) response.stream?.close(0x2);
  else request.socket.destroy();
};

const bodyOf = (sentence: string): string => `sbox: ${sentence}\n`;

const textHeaders = (sentence: string, decision: string | undefined): [string, string][] => [
  ['content-type', 'text/plain; charset=utf-8'],
  ['content-length', String(Buffer.byteLength(bodyOf(sentence)))],
  ...(decision === undefined ? [] : [['x-sbox-decision', decision] as [string, string]]),
];
