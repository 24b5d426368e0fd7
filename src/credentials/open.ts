import type { Binding, DeclaredCredential, FoundCredential, RegistryHosts } from '../domain/credential.ts';
import { SboxError } from '../domain/errors.ts';
import type { Injection } from '../domain/injection.ts';
import { isRefused } from '../domain/parsed.ts';
import type { Problem } from '../domain/problem.ts';
import { parseBinding } from './bind.ts';
import { type CredentialQuestion, findCredential } from './find.ts';
import { openInjection } from './injection.ts';
import { type FoundLogin, findLogin, openLogin, type StoredLogins } from './login.ts';
import type { StandFor } from './placeholders.ts';
import { planPresented } from './present.ts';
import type { TokenStore } from './token-store.ts';

export interface CredentialOptions {
  readonly registries: RegistryHosts;
  /** how many settings of git the command's environment holds already */
  readonly gitConfigs: number;
  readonly standFor: StandFor;
  readonly logins: StoredLogins;
  readonly onProblem: (sentence: string) => void;
}

/** The credentials of a run: the real ones are held here alone. */
export interface OpenedCredentials {
  readonly injection: Injection;
  /** placeholders for the command's environment */
  readonly env: Readonly<Record<string, string>>;
  /** files below HOME: lines to add, or a whole document */
  readonly files: readonly PresentedFile[];
}

export interface PresentedFile {
  /** below HOME */
  readonly path: string;
  readonly content: string;
  /** `lines`: other lines of the file stay, but for those that begin alike up to the first `=` or the third word */
  readonly how: 'lines' | 'whole';
}

/** A declared credential with what was found for it: a secret, or the text of a client's login. */
export interface FoundDeclared {
  readonly credential: DeclaredCredential;
  readonly found: FoundCredential | FoundLogin;
}

/** Looks for every declared credential, one after the other: a command may ask its user something, and take its time. */
export const findDeclared = async (
  declared: readonly DeclaredCredential[],
  question: CredentialQuestion,
): Promise<readonly FoundDeclared[]> => {
  const all: FoundDeclared[] = [];
  for (const credential of declared) all.push({ credential, found: await findOne(credential, question) });
  return all;
};

const findOne = async (
  { provider, logins }: DeclaredCredential,
  question: CredentialQuestion,
): Promise<FoundDeclared['found']> => {
  const own = await findCredential(provider, question);
  if (own.kind === 'found') return own;
  const login = await findLogin(logins, question.home);
  return login.kind === 'found' ? login : { ...own, looked: [...own.looked, ...login.looked] };
};

/**
 * Gives each a placeholder and binds it to its hosts. Throws SBOX_E_CREDENTIAL with all that are missing, each with where it was looked for and how to
 * get one.
 */
export const openCredentials = (all: readonly FoundDeclared[], options: CredentialOptions): OpenedCredentials => {
  const problems: Problem[] = [];
  const entries: { provider: DeclaredCredential['provider']; binding: Binding }[] = [];
  const tokens: TokenStore[] = [];
  for (const one of all) {
    const { provider, origin } = one.credential;
    const opened = openOne(one, options);
    if ('problem' in opened) problems.push({ message: `${opened.problem} (${origin})`, hint: opened.hint });
    else if ('binding' in opened) entries.push({ provider, binding: opened.binding });
    else tokens.push(opened.login);
  }
  if (problems.length > 0)
    throw new SboxError({ code: 'SBOX_E_CREDENTIAL', message: 'cannot find every credential', problems });
  const { env, files } = planPresented(entries, options.gitConfigs);
  return {
    injection: openInjection({ bindings: entries.map(({ binding }) => binding), tokens }),
    env,
    files: [
      ...Object.entries(files).map(([path, content]): PresentedFile => ({ path, content, how: 'lines' })),
      ...tokens.map(
        ({ definition, inside }): PresentedFile => ({
          path: definition.path.replace(/^~\//, ''),
          content: `${JSON.stringify(inside, null, 2)}\n`,
          how: 'whole',
        }),
      ),
    ],
  };
};

type Opened =
  | { readonly binding: Binding }
  | { readonly login: TokenStore }
  | { readonly problem: string; readonly hint: string };

const openOne = ({ credential: { provider }, found }: FoundDeclared, options: CredentialOptions): Opened => {
  if (found.kind === 'missing')
    return { problem: `there is no credential "${provider.name}": ${found.looked.join('; ')}`, hint: found.fix };
  if ('definition' in found) {
    const login = openLogin(found, options.logins, options);
    return 'problem' in login ? login : { login };
  }
  const binding = parseBinding(provider, found.secret, options.standFor, options.registries);
  if (!isRefused(binding)) return { binding: binding.value };
  return {
    problem: `the credential "${provider.name}" of ${found.source} can't have a stand-in: ${binding.problem}`,
    hint: binding.hint,
  };
};
