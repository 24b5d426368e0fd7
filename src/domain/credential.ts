import type { RegistryClient } from './network.ts';

/** A real credential. Printed, serialised or inspected it says "[secret]"; only `reveal` gives the value. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  /** what Node's `util.inspect` and `console.log` call (util.inspect.custom is this registered symbol) */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}

/** One kind of credential, as data: shipped ones and those of a profile have the same shape. */
export interface Provider {
  /** lower case, digits and `-` */
  readonly name: string;
  /** one sentence part: what the credential is */
  readonly description: string;
  /** where the real one is looked for, in this order */
  readonly sources: readonly CredentialSource[];
  /** where a tool inside finds the placeholder */
  readonly present: readonly Presentation[];
  /** where it may go */
  readonly uses: readonly CredentialUse[];
  /** how a person gets one, for the message that none was found */
  readonly fix: string;
}

export type CredentialSource =
  | { readonly kind: 'env'; readonly name: string }
  /** `~/` stands for the operator's home; `registry` files hold a value per host and are asked for the provider's own hosts */
  | { readonly kind: 'file'; readonly path: string; readonly format: 'text' }
  | { readonly kind: 'file'; readonly path: string; readonly format: 'json'; readonly keys: readonly string[] }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly format: 'ini';
      readonly section: string;
      readonly key: string;
    }
  | { readonly kind: 'file'; readonly path: string; readonly format: 'npmrc' | 'netrc' }
  /** an argument vector; its standard output, trimmed, is the value */
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly timeoutMs?: number };

export type Presentation =
  /** a variable; `{placeholder}` in `value` is replaced, which is all of it if absent */
  | { readonly kind: 'env'; readonly name: string; readonly value?: string }
  /** a line of ~/.npmrc for each host */
  | { readonly kind: 'npmrc' }
  /** an entry of ~/.netrc for each host */
  | { readonly kind: 'netrc'; readonly login: string }
  /** git's own configuration, by variables (git-config(1), GIT_CONFIG_COUNT): a header for each host */
  | { readonly kind: 'git'; readonly login: string; readonly hosts: readonly string[] };

export interface CredentialUse {
  /** exact names, `*.example.com` for what lies below, or `registry:npm`: what the user's client configuration names */
  readonly hosts: readonly string[];
  /** 443 if absent */
  readonly ports?: readonly number[];
  readonly placements: readonly Placement[];
  /** a placeholder in the body of a request to these hosts; `refuse` if absent */
  readonly body?: 'refuse' | 'pass';
  /** parts of a response would hide a secret at their edges, so `Range` is removed unless this says `pass` */
  readonly ranges?: 'remove' | 'pass';
}

/** The one place of a request where the secret takes the placeholder's place. */
export type Placement =
  /** the whole value of a header; with `scheme` what follows that word and one space */
  | { readonly kind: 'header'; readonly header: string; readonly scheme?: string }
  /** the password, or the user name, of a Basic `Authorization` (RFC 7617) */
  | { readonly kind: 'basic' }
  /** a parameter of the query */
  | { readonly kind: 'query'; readonly name: string }
  /** a field of a JSON or form body of a token endpoint (RFC 6749, 6) */
  | { readonly kind: 'body'; readonly path: string; readonly field: string };

/** What was found, or all that was looked at. */
export type FoundCredential =
  | { readonly kind: 'found'; readonly secret: Secret; readonly source: string }
  | { readonly kind: 'missing'; readonly looked: readonly string[]; readonly fix: string };

/** A secret with its stand-in and the places it may go to; registry tokens are resolved to host names. */
export interface Binding {
  readonly provider: string;
  readonly secret: Secret;
  readonly placeholder: string;
  readonly uses: readonly CredentialUse[];
}

/** What a user's client configuration named, as `registry:npm` stands for it. */
export type RegistryHosts = Readonly<
  Partial<Record<RegistryClient, readonly { readonly host: string; readonly port?: number }[]>>
>;

/** A file of a client that logs in by OAuth: which of its values are tokens, and where they are renewed. */
export interface TokenDocument {
  readonly provider: string;
  /** below the home, inside and outside */
  readonly path: string;
  readonly tokens: readonly TokenPlace[];
  /** what else of it is shown: a client may keep other secrets beside these */
  readonly shown: readonly (readonly string[])[];
  /** where the answer's `expires_in` seconds are kept, as a time since 1970 */
  readonly expiry?: { readonly keys: readonly string[]; readonly unit: 's' | 'ms' };
  /** where the answer's `scope` is kept, as a list or as words */
  readonly scope?: readonly string[];
  readonly endpoint: { readonly hosts: readonly string[]; readonly path: string };
}

export interface TokenPlace {
  readonly keys: readonly string[];
  /** its name in the answer of the token endpoint (RFC 6749, 5.1) */
  readonly field: string;
  readonly uses: readonly CredentialUse[];
}

/** A credential that a profile or an option asks for. */
export interface DeclaredCredential {
  readonly provider: Provider;
  /** logins of clients that do as well where the provider's own sources have nothing */
  readonly logins: readonly TokenDocument[];
  readonly origin: string;
}
