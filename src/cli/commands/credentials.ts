import { join, resolve } from 'node:path';
import type { FoundDeclared } from '../../credentials/open.ts';
import type { DeclaredCredential } from '../../domain/credential.ts';
import { parseCredentialName } from '../../domain/declared-credential.ts';
import type { RegistryClient } from '../../domain/network.ts';
import { isRefused, type Parsed } from '../../domain/parsed.ts';
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

export interface CredentialsOptions {
  readonly profile: readonly string[];
  readonly config?: string;
  readonly json?: true;
}

/** `sbox credentials`: which of the known ones, and of those that a document declares, would be found; never their values. */
export const credentials = async (options: CredentialsOptions, context: CliContext): Promise<number> => {
  const rows = await findAll(await listDeclared(options, context), context);
  if (options.json) context.print(`${JSON.stringify(rows, null, 2)}\n`);
  else context.print(renderTable(rows.map(({ name, found, where }) => [name, found ? 'found' : '-', where])));
  return 0;
};

const listDeclared = async (
  { profile: names, config }: CredentialsOptions,
  { cwd, stateDir, configDir, shippedProfilesDir }: CliContext,
): Promise<readonly DeclaredCredential[]> => {
  const known = providers.map(({ name }) => ({ ...certain(parseCredentialName(name)), origin: 'sbox' }));
  if (names.length === 0 && config === undefined) return known;
  const { loadProfile } = await import('../../profile/load.ts');
  const profile = await loadProfile({
    ...{ names, workspace: cwd, stateDir, configDir, shippedProfilesDir, ignoreWorkspaceConfig: true },
    ...(config !== undefined && { configFile: resolve(cwd, config) }),
  });
  const byName = [...known, ...profile.credentials].map((declared) => [declared.provider.name, declared] as const);
  return [...new Map(byName).values()];
};

const findAll = async (declared: readonly DeclaredCredential[], context: CliContext): Promise<Row[]> => {
  const { env, home } = context;
  const untrusted = findWritable(context);
  const { findDeclared, openCommandRunner } = await import('../../credentials/index.ts');
  const { resolveRegistry } = await import('../../egress/index.ts');
  const hostsOf = async (client: RegistryClient) => (await resolveRegistry(client, { env, home, untrusted })).hosts;
  const [npm, pip] = await Promise.all([hostsOf('npm'), hostsOf('pip')]);
  const question = { env, home, runCommand: openCommandRunner(env, untrusted), registries: { npm, pip } };
  const all = await findDeclared(declared, question);
  return all.map(({ credential: { provider }, found }): Row => {
    const { name, description, fix, uses } = provider;
    return {
      ...{ name, description, fix },
      found: found.kind === 'found',
      where: whereOf(found),
      hosts: [...new Set(uses.flatMap((use) => use.hosts))],
    };
  });
};

const whereOf = (found: FoundDeclared['found']): string => {
  if (found.kind === 'missing') return found.looked.join('; ');
  return 'definition' in found ? `the login in "${found.definition.path}"` : found.source;
};

/** What a command of any sandbox can write to: homes, workspaces, and the one that a run here would have. */
const findWritable = ({ cwd, stateDir }: CliContext): string[] => [
  join(stateDir, 'sandboxes'),
  ...readSandboxes(stateDir).map(({ workspace }) => workspace),
  // a run refuses a workspace that holds the state
  ...(isWithin(stateDir, cwd) ? [] : [cwd]),
];

const certain = <T>(parsed: Parsed<T>): T => {
  if (isRefused(parsed)) throw new Error(parsed.problem);
  return parsed.value;
};
