import type { Refusal, TokenExchange } from '../domain/injection.ts';
import type { TokenStore } from './token-store.ts';

/**
 * The exchange of a refresh token for new tokens (RFC 6749, 6). Only the stored login is renewed: tokens of another account would be taken for the
 * operator's ones from then on.
 */
export const openExchange = (
  store: TokenStore,
  scan: (text: string) => boolean,
  scrub: (bytes: Buffer) => Buffer,
): TokenExchange => {
  let lock: Disposable | undefined;
  const current = () =>
    store
      .bindings()
      .find(({ uses }) => uses.some((use) => isRefresh(use.placements)))
      ?.secret.reveal();
  const request: TokenExchange['request'] = async (body, contentType) => {
    const fields = parseFields(body, contentType);
    const sent = fields?.get('refresh_token');
    const binding = store
      .bindings()
      .find(({ placeholder, uses }) => placeholder === sent && uses.some((use) => isRefresh(use.placements)));
    if (fields === undefined || binding === undefined) return foreign(store);
    for (const [name, value] of fields)
      if (scan(name) || (name !== 'refresh_token' && scan(JSON.stringify(value)))) return elsewhere(store);
    // an issuer may take a second use of a refresh token for a theft, and end the login
    lock = await store.lock();
    store.refresh();
    if (current() !== binding.secret.reveal()) return { answer: Buffer.from(JSON.stringify(store.answer())) };
    fields.set('refresh_token', binding.secret.reveal());
    return { body: renderFields(fields, contentType) };
  };
  return {
    request,
    response: async (status, body) => {
      if (status < 200 || status > 299) return scrub(body);
      const answer = parseObject(body);
      if (answer === undefined) throw new Error('the token endpoint gave an answer of another form');
      return scrub(Buffer.from(JSON.stringify(await store.renew(answer))));
    },
    end: () => {
      lock?.[Symbol.dispose]();
      lock = undefined;
    },
  };
};

const isRefresh = (placements: readonly { readonly kind: string }[]): boolean =>
  placements.some(({ kind }) => kind === 'body');

const refuse = (reason: Refusal['reason'], sentence: string): Refusal => ({
  kind: 'refused',
  status: 403,
  reason,
  sentence,
});

const foreign = ({ definition }: TokenStore): Refusal =>
  refuse('protocol', `only the stored login of ${definition.provider} may be renewed at this address; log in outside`);

const elsewhere = ({ definition }: TokenStore): Refusal =>
  refuse('placeholder', `a placeholder of ${definition.provider} is in a field of the body where it must not be`);

const isForm = (contentType: string): boolean => /^application\/x-www-form-urlencoded\b/i.test(contentType);

/** Each name once: of two values a server might take the other one. */
const parseFields = (body: Buffer, contentType: string): Map<string, unknown> | undefined => {
  if (!isForm(contentType)) {
    const object = parseObject(body);
    return object === undefined ? undefined : new Map(Object.entries(object));
  }
  const fields = [...new URLSearchParams(body.toString('utf8'))];
  const map = new Map<string, unknown>(fields);
  return map.size === fields.length ? map : undefined;
};

const renderFields = (fields: ReadonlyMap<string, unknown>, contentType: string): Buffer => {
  if (!isForm(contentType)) return Buffer.from(JSON.stringify(Object.fromEntries(fields)));
  return Buffer.from(
    new URLSearchParams([...fields].map(([name, value]): [string, string] => [name, String(value)])).toString(),
  );
};

const parseObject = (body: Buffer): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};
