import { readFileSync } from 'node:fs';
import type { Binding, DeclaredCredential, RegistryHosts } from '../domain/credential.ts';
import { SboxError } from '../domain/errors.ts';
import type { Injection } from '../domain/injection.ts';
import { isRefused } from '../domain/parsed.ts';
import type { Problem } from '../domain/problem.ts';
import { parseBinding } from './bind.ts';
import { findCredential } from './find.ts';
import { openInjection } from './injection.ts';
import { planPresented } from './present.ts';
import type { CommandRunner } from './run-command.ts';
import { parseLogin, renderStoredLogin } from './stored-login.ts';
import { openTokenStore, type TokenStore } from './token-store.ts';

export interface CredentialOptions {
  /** the operator's environment and home */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly runCommand: CommandRunner;
  readonly registries: RegistryHosts;
  /** how many settings of git the command's environment holds already */
  readonly gitConfigs: number;
  /** a renewed login as it was stored for this sandbox, and where the next is kept */
  readonly readStored: (provider: string) => string | undefined;
  readonly writeStored: (provider: string, text: string) => Promise<void>;
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

/** Finds every declared credential. Throws SBOX_E_CREDENTIAL with all that are missing, each with where it was looked for and how to get one. */
export const openCredentials = async (
  declared: readonly DeclaredCredential[],
  options: CredentialOptions,
): Promise<OpenedCredentials> => {
  const problems: Problem[] = [];
  const entries: { provider: DeclaredCredential['provider']; binding: Binding }[] = [];
  const tokens: TokenStore[] = [];
  for (const credential of declared) {
    const opened = await openOne(credential, options);
    if ('problem' in opened) problems.push({ message: `${opened.problem} (${credential.origin})`, hint: opened.hint });
    else if ('binding' in opened) entries.push({ provider: credential.provider, binding: opened.binding });
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

const openOne = async ({ provider, logins }: DeclaredCredential, options: CredentialOptions): Promise<Opened> => {
  const found = await findCredential(provider, options);
  if (found.kind === 'found') {
    const binding = parseBinding(provider, found.secret, options.registries);
    return isRefused(binding)
      ? {
          problem: `the credential "${provider.name}" of ${found.source} can't have a stand-in: ${binding.problem}`,
          hint: binding.hint,
        }
      : { binding: binding.value };
  }
  for (const definition of logins) {
    const text = readText(definition.path.replace(/^~(?=\/)/, options.home));
    const document = text === undefined ? undefined : parseLogin(text, options.readStored(definition.provider));
    if (text === undefined || document === undefined) continue;
    const store = openTokenStore(definition, {
      document,
      save: (renewed) => options.writeStored(definition.provider, renderStoredLogin(text, renewed)),
      onProblem: options.onProblem,
    });
    return 'problem' in store
      ? { ...store, problem: `the login in "${definition.path}": ${store.problem}` }
      : { login: store };
  }
  const lackOf = (path: string): string =>
    readText(path.replace(/^~(?=\/)/, options.home)) === undefined ? 'does not exist' : 'holds none';
  const looked = [...found.looked, ...logins.map(({ path }) => `"${path}": ${lackOf(path)}`)];
  return { problem: `there is no credential "${provider.name}": ${looked.join('; ')}`, hint: found.fix };
};

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // no login of that client
  }
};
