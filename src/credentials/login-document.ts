import type { TokenDocument, TokenPlace } from '../domain/credential.ts';
import { keysOf, withKeys } from './json-keys.ts';

type PlaceholderOf = (place: TokenPlace) => string | undefined;

/** What the sandbox shows of a client's file: its tokens as placeholders, and what is known to hold no secret. */
export const renderInside = (definition: TokenDocument, real: unknown, placeholderOf: PlaceholderOf): unknown => {
  let inside: unknown = {};
  for (const keys of definition.shown) {
    const value = keysOf(real, keys);
    if (Array.isArray(value) ? value.every(isPlain) : isPlain(value)) inside = withKeys(inside, keys, value);
  }
  for (const place of definition.tokens) {
    const placeholder = placeholderOf(place);
    if (placeholder !== undefined) inside = withKeys(inside, place.keys, placeholder);
  }
  return inside;
};

/** The answer of a token endpoint (RFC 6749, 5.1) that would have led to this document. */
export const renderAnswer = (
  { tokens, expiry, scope }: TokenDocument,
  real: unknown,
  placeholderOf: PlaceholderOf,
  nowMs: number,
): Record<string, unknown> => {
  const until = expiry && keysOf(real, expiry.keys);
  const words = scope && keysOf(real, scope);
  return {
    token_type: 'Bearer',
    ...(typeof until === 'number' && { expires_in: Math.floor((until * unitMs[expiry?.unit ?? 'ms'] - nowMs) / 1000) }),
    ...(words !== undefined && { scope: Array.isArray(words) ? words.filter(isPlain).join(' ') : String(words) }),
    ...Object.fromEntries(
      tokens.flatMap((place) => {
        const placeholder = placeholderOf(place);
        return placeholder === undefined ? [] : [[place.field, placeholder]];
      }),
    ),
  };
};

/** The document with the time at which the tokens of an answer end. */
export const withExpiry = (
  { expiry }: TokenDocument,
  real: unknown,
  { expires_in: seconds }: Readonly<Record<string, unknown>>,
  nowMs: number,
): unknown => {
  if (expiry === undefined || typeof seconds !== 'number') return real;
  return withKeys(real, expiry.keys, Math.floor((nowMs + seconds * 1000) / unitMs[expiry.unit]));
};

/** No document within, in which anything could stand. */
export const isPlain = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);

const unitMs = { s: 1000, ms: 1 } as const;
