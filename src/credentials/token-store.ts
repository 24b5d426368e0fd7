import type { Binding, TokenDocument, TokenPlace } from '../domain/credential.ts';
import { Secret } from '../domain/credential.ts';
import { isRefused } from '../domain/parsed.ts';
import { keysOf, withKeys } from './json-keys.ts';
import { isPlain, renderAnswer, renderInside, withExpiry } from './login-document.ts';
import type { StandFor } from './placeholders.ts';

/** The tokens of one login: real ones outside, placeholders inside. */
export interface TokenStore {
  readonly definition: TokenDocument;
  /** what the sandbox shows of the client's file: placeholders in place of its tokens, and the keys that are known to hold no secret */
  readonly inside: unknown;
  /** of every token that is or lately was in use, the newest first */
  readonly bindings: () => readonly Binding[];
  /** Takes over what another run has renewed meanwhile. */
  readonly refresh: () => void;
  /** Lets nobody else renew the login until it is disposed. */
  readonly lock: () => Promise<Disposable>;
  /** Keeps the tokens of an answer outside; gives the answer with placeholders. */
  readonly renew: (answer: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>>;
  /** the answer of a token endpoint that would lead to the tokens as they are, with placeholders */
  readonly answer: () => Record<string, unknown>;
}

export interface TokenStoreOptions {
  /** the client's file as it is outside, parsed */
  readonly document: unknown;
  readonly standFor: StandFor;
  /** Keeps a changed document outside, as a whole and readable for its owner alone; a rejection is reported, and the tokens stay in memory. */
  readonly save: (document: unknown) => Promise<void>;
  /** the document if another run has saved one since it was last read or saved */
  readonly reload?: () => unknown;
  /** Waits until no other run renews the login. */
  readonly lock?: () => Promise<Disposable>;
  readonly onProblem?: (sentence: string) => void;
  readonly nowMs?: () => number;
}

/** A document whose token can't have a stand-in is refused: `problem` says which. */
export const openTokenStore = (
  definition: TokenDocument,
  options: TokenStoreOptions,
): TokenStore | { readonly problem: string; readonly hint: string } => {
  const { save, reload, lock, standFor, onProblem, nowMs = Date.now } = options;
  let real = options.document;
  let known: readonly Known[] = [];
  /** gives the placeholder, or why there is none */
  const learn = (place: TokenPlace, value: string): string | Exclude<ReturnType<StandFor>, { value: string }> => {
    const { field, uses } = place;
    const drawn = standFor(`${definition.provider}.${field}`, value);
    if (isRefused(drawn)) return drawn;
    const binding = { provider: definition.provider, secret: new Secret(value), placeholder: drawn.value, uses };
    const same = known.find((one) => one.field === field);
    // requests under way still carry the former placeholders
    if (same?.binding.secret.reveal() !== value) known = withoutOld([{ field, binding }, ...known]);
    return drawn.value;
  };
  const learnAll = () =>
    definition.tokens.flatMap((place) => {
      const value = keysOf(real, place.keys);
      return isToken(value) ? [learn(place, value)] : [];
    });
  const refused = learnAll().find((learnt) => typeof learnt !== 'string');
  if (refused !== undefined && typeof refused !== 'string') return refused;
  const placeholderOf = ({ field }: TokenPlace): string | undefined =>
    known.find((one) => one.field === field)?.binding.placeholder;
  const renew = async (answer: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> => {
    const given = definition.tokens.filter(({ field }) => isToken(answer[field]));
    for (const { keys, field } of given) real = withKeys(real, keys, answer[field]);
    real = withExpiry(definition, real, answer, nowMs());
    const learnt = given.map((place) => [place.field, learn(place, answer[place.field] as string)] as const);
    await save(real).catch((error: unknown) =>
      onProblem?.(`cannot keep the renewed login of ${definition.provider}: ${(error as NodeJS.ErrnoException).code}`),
    );
    const wrong = learnt.find(([, placeholder]) => typeof placeholder !== 'string')?.[0];
    if (wrong !== undefined) throw new Error(`the token endpoint gave a "${wrong}" that can't have a stand-in`);
    const rest = Object.entries(answer).filter(([name, value]) => harmless.includes(name) && isPlain(value));
    return Object.fromEntries([...rest, ...learnt]);
  };
  return {
    definition,
    inside: renderInside(definition, real, placeholderOf),
    bindings: () => known.map(({ binding }) => binding),
    refresh: () => {
      const document = reload?.();
      if (document === undefined) return;
      real = document;
      learnAll();
    },
    lock: async () => (await lock?.()) ?? { [Symbol.dispose]: () => {} },
    renew,
    answer: () => renderAnswer(definition, real, placeholderOf, nowMs()),
  };
};

interface Known {
  readonly field: string;
  readonly binding: Binding;
}

const mostOfAField = 4;

const withoutOld = (known: readonly Known[]): readonly Known[] =>
  known.filter(
    ({ field }, index) => known.slice(0, index).filter((newer) => newer.field === field).length < mostOfAField,
  );

const isToken = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** What an answer tells beside its tokens (RFC 6749, 5.1). */
const harmless: readonly string[] = ['token_type', 'expires_in', 'scope'];
