import { parseClientHello } from './client-hello.ts';

/** What a client begins a connection with. */
export type Opening =
  | { readonly kind: 'tls'; readonly serverName?: string }
  | { readonly kind: 'http' }
  /** HTTP/2 without TLS (RFC 9113, 3.3) */
  | { readonly kind: 'http2' }
  | { readonly kind: 'other' }
  /** nothing more came of what could still become one of the above */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'malformed' };

/** More than this is not gathered to learn what it is. */
export const maxOpeningBytes = 80 * 1024;

/**
 * Tells what the first bytes are; undefined while they could still become something that is checked. With `isAll` nothing will follow.
 * A line that might become a request is waited for, however slowly it comes: what is let through unseen is never looked at again.
 */
export const parseOpening = (bytes: Buffer, isAll = false): Opening | undefined => {
  if (bytes.length === 0) return isAll ? { kind: 'other' } : undefined;
  if (bytes[0] === 0x16 && (bytes[1] ?? 3) === 3) return parseTls(bytes, isAll);
  return parseText(bytes, isAll);
};

const parseTls = (bytes: Buffer, isAll: boolean): Opening | undefined => {
  const hello = parseClientHello(bytes);
  if (hello.kind === 'more') return isAll ? { kind: 'malformed' } : undefined;
  if (hello.kind === 'malformed') return hello;
  return hello.serverName === undefined ? { kind: 'tls' } : { kind: 'tls', serverName: hello.serverName };
};

const maxLineBytes = 16 * 1024;
/** Servers pass over empty lines before a request (RFC 9112, 2.2), some over blanks. */
const leadingBlanks = /^[\r\n\t ]+/;
const method = /^(?:GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|TRACE|CONNECT)[ \t]/;

const parseText = (bytes: Buffer, isAll: boolean): Opening | undefined => {
  const text = bytes.toString('latin1', 0, maxLineBytes).replace(leadingBlanks, '');
  const isLong = bytes.length >= maxLineBytes;
  // some servers pass over any number of empty lines
  if (text === '') return isLong ? { kind: 'malformed' } : isAll ? { kind: 'other' } : undefined;
  if (text.startsWith('PRI * HTTP/2')) return { kind: 'http2' };
  if (method.test(text)) return { kind: 'http' };
  const end = text.indexOf('\n');
  const line = end < 0 ? text : text.slice(0, end);
  if (/^[^\s]+[ \t][^\n]*HTTP\/\d/i.test(line)) return { kind: 'http' };
  // a token, a blank, no control character: only so can it become a request
  const couldBeRequest = end < 0 && /^[!#$%&'*+.^_`|~\w-]+(?:[ \t][\t\r\x20-\x7e\x80-\xff]*)?$/.test(line);
  if (!couldBeRequest) return { kind: 'other' };
  // the parser of requests refuses a line of this length
  if (isLong) return { kind: 'http' };
  return isAll ? { kind: 'other' } : undefined;
};
