import { join } from 'node:path';
import type { Provider } from '../../domain/credential.ts';
import { parseCredentialName } from '../../domain/declared-credential.ts';
import type { RegistryClient } from '../../domain/network.ts';
import { isRefused } from '../../domain/parsed.ts';
import { isWithin } from '../../domain/path.ts';
import { providers } from '../../domain/providers.ts';
import { readSandboxes } from '../../state/sandboxes.ts';
import type { CliContext } from '../context.ts';
import { renderTable } from '../table.ts';

interface Row {
  readonly name: string;
  readonly description: string;
  readonly found: boolean;
  /** where it was found, or all that was looked at */
  readonly where: string;
  readonly hosts: readonly string[];
  readonly fix: string;
}

/** `sbox credentials`: which of the known ones would be found, never their values. */
export const credentials = async (options: { readonly json?: true }, context: CliContext): Promise<number> => {
  const rows = await findAll(context);
  if (options.json) context.print(`${JSON.stringify(rows, null, 2)}\n`);
  else context.print(renderTable(rows.map(({ name, found, where }) => [name, found ? 'found' : '-', where])));
  return 0;
};

const findAll = async (context: CliContext): Promise<Row[]> => {
  const { env, home } = context;
  const untrusted = findWritable(context);
  const { findCredential, findLogin, openCommandRunner } = await import('../../credentials/index.ts');
  const { resolveRegistry } = await import('../../egress/index.ts');
  const hostsOf = async (client: RegistryClient) => (await resolveRegistry(client, { env, home, untrusted })).hosts;
  const [npm, pip] = await Promise.all([hostsOf('npm'), hostsOf('pip')]);
  const question = { env, home, runCommand: openCommandRunner(env, untrusted), registries: { npm, pip } };
  return Promise.all(
    providers.map(async (provider): Promise<Row> => {
      const { name, description, fix } = provider;
      const looked = await findCredential(provider, question);
      const login = await findLogin(loginsOf(provider), home);
      const own =
        looked.kind === 'found' ? looked.source : login.kind === 'found' && `the login in "${login.definition.path}"`;
      return {
        ...{ name, description, fix },
        found: own !== false,
        where: own || (looked.kind === 'missing' ? looked.looked.join('; ') : ''),
        hosts: [...new Set(provider.uses.flatMap((use) => use.hosts))],
      };
    }),
  );
};

/** What a command of any sandbox can write to: homes, workspaces, and the one that a run here would have. */
const findWritable = ({ cwd, stateDir }: CliContext): string[] => [
  join(stateDir, 'sandboxes'),
  ...readSandboxes(stateDir).map(({ workspace }) => workspace),
  // a run refuses a workspace that holds the state
  ...(isWithin(stateDir, cwd) ? [] : [cwd]),
];

const loginsOf = ({ name }: Provider) => {
  const declared = parseCredentialName(name);
  return isRefused(declared) ? [] : declared.value.logins;
};
