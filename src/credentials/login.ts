import type { TokenDocument } from '../domain/credential.ts';
import { keysOf } from './json-keys.ts';
import { readFileOf } from './read-file.ts';
import { parseLogin, parseStoredLogin, renderStoredLogin } from './stored-login.ts';
import { openTokenStore, type TokenStore, type TokenStoreOptions } from './token-store.ts';

/** A client's login as it lies outside. */
export interface FoundLogin {
  readonly kind: 'found';
  readonly definition: TokenDocument;
  readonly text: string;
}

/** Renewed logins as they are stored for a sandbox, by the name of their document. */
export interface StoredLogins {
  readonly read: (name: string) => string | undefined;
  readonly write: (name: string, text: string) => Promise<void>;
  /** no other run renews it until this is disposed */
  readonly lock: (name: string) => Promise<Disposable>;
}

/** The first of the files that holds a token. */
export const findLogin = async (
  logins: readonly TokenDocument[],
  home: string,
): Promise<FoundLogin | { readonly kind: 'missing'; readonly looked: readonly string[] }> => {
  const looked: string[] = [];
  for (const definition of logins) {
    const read = await readFileOf(definition.path.replace(/^~(?=\/)/, home));
    if ('value' in read && holdsToken(definition, parseLogin(read.value, undefined)))
      return { kind: 'found', definition, text: read.value };
    looked.push(`"${definition.path}": ${'lack' in read ? read.lack : 'holds none'}`);
  }
  return { kind: 'missing', looked };
};

/** The tokens of a login, as another run has renewed them if one has. */
export const openLogin = (
  { definition, text }: FoundLogin,
  stored: StoredLogins,
  options: Pick<TokenStoreOptions, 'standFor' | 'onProblem'>,
): TokenStore | { readonly problem: string; readonly hint: string } => {
  const { provider: name, path } = definition;
  let seen = stored.read(name);
  const store = openTokenStore(definition, {
    ...options,
    document: parseLogin(text, seen),
    save: async (renewed) => {
      seen = renderStoredLogin(text, renewed);
      await stored.write(name, seen);
    },
    reload: () => {
      const now = stored.read(name);
      if (now === seen) return undefined;
      seen = now;
      return parseStoredLogin(text, now);
    },
    lock: () => stored.lock(name),
  });
  return 'problem' in store ? { ...store, problem: `the login in "${path}": ${store.problem}` } : store;
};

const holdsToken = ({ tokens }: TokenDocument, document: unknown): boolean =>
  tokens.some(({ keys }) => {
    const value = keysOf(document, keys);
    return typeof value === 'string' && value !== '';
  });
