import type { Binding, TokenDocument, TokenPlace } from '../domain/credential.ts';
import { Secret } from '../domain/credential.ts';
import { isRefused } from '../domain/parsed.ts';
import { keysOf, withKeys } from './json-keys.ts';
import { parsePlaceholder } from './placeholder.ts';

/** The tokens of one login: real ones outside, placeholders inside. */
export interface TokenStore {
  readonly definition: TokenDocument;
  /** what the sandbox shows of the client's file: placeholders in place of its tokens, and the keys that are known to hold no secret */
  readonly inside: unknown;
  /** of every token that is or lately was in use */
  readonly bindings: () => readonly Binding[];
  /** Keeps the tokens of an answer outside; gives the answer with placeholders. */
  readonly renew: (answer: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>>;
}

export interface TokenStoreOptions {
  /** the client's file as it is outside, parsed */
  readonly document: unknown;
  /** Keeps a changed document outside, as a whole and readable for its owner alone; a rejection is reported, and the tokens stay in memory. */
  readonly save: (document: unknown) => Promise<void>;
  readonly onProblem?: (sentence: string) => void;
  readonly nowMs?: () => number;
}

/** A document whose token can't have a stand-in is refused: `problem` says which. */
export const openTokenStore = (
  definition: TokenDocument,
  options: TokenStoreOptions,
): TokenStore | { readonly problem: string; readonly hint: string } => {
  const { save, onProblem, nowMs = Date.now } = options;
  let real = options.document;
  let inside = copyShown(definition, real);
  let known: Known[] = [];
  for (const place of definition.tokens) {
    const value = keysOf(real, place.keys);
    if (typeof value !== 'string' || value === '') continue;
    const bound = bind(definition, place, value);
    if ('problem' in bound) return bound;
    known.push({ field: place.field, binding: bound });
    inside = withKeys(inside, place.keys, bound.placeholder);
  }
  const renew = async (answer: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> => {
    const shown: Record<string, unknown> = {};
    const added: Known[] = [];
    for (const [field, value] of Object.entries(answer)) {
      const place = definition.tokens.find((token) => token.field === field);
      if (place === undefined && harmless.includes(field) && isPlain(value)) shown[field] = value;
      if (place === undefined || typeof value !== 'string') continue;
      const bound = bind(definition, place, value);
      if ('problem' in bound) throw new Error(`the token endpoint gave a "${field}" that can't be kept outside`);
      added.push({ field, binding: bound });
      shown[field] = bound.placeholder;
      real = withKeys(real, place.keys, value);
    }
    const { expires_in: seconds } = answer;
    if (definition.expiry !== undefined && typeof seconds === 'number') {
      const untilMs = nowMs() + seconds * 1000;
      real = withKeys(
        real,
        definition.expiry.keys,
        definition.expiry.unit === 's' ? Math.floor(untilMs / 1000) : untilMs,
      );
    }
    // requests under way still carry the former placeholders
    known = [...added, ...known].filter(({ field }, index, all) => {
      const newer = all.slice(0, index).filter((other) => other.field === field);
      return newer.length < mostOfAField;
    });
    await save(real).catch((error: unknown) =>
      onProblem?.(`cannot keep the renewed login of ${definition.provider}: ${(error as NodeJS.ErrnoException).code}`),
    );
    return shown;
  };
  return { definition, inside, bindings: () => known.map(({ binding }) => binding), renew };
};

const mostOfAField = 4;

/** What an answer tells beside its tokens (RFC 6749, 5.1). */
const harmless: readonly string[] = ['token_type', 'expires_in', 'scope'];

const copyShown = ({ shown }: TokenDocument, real: unknown): unknown => {
  let copy: unknown = {};
  for (const keys of shown) {
    const value = keysOf(real, keys);
    if (Array.isArray(value) ? value.every(isPlain) : isPlain(value)) copy = withKeys(copy, keys, value);
  }
  return copy;
};

/** No document within, in which anything could stand. */
const isPlain = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);

interface Known {
  readonly field: string;
  readonly binding: Binding;
}

const bind = (
  { provider }: TokenDocument,
  { uses }: Pick<TokenPlace, 'uses'>,
  value: string,
): Binding | { readonly problem: string; readonly hint: string } => {
  const placeholder = parsePlaceholder(value);
  if (isRefused(placeholder)) return placeholder;
  return { provider, secret: new Secret(value), placeholder: placeholder.value, uses };
};
