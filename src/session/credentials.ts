import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredLogins } from '../credentials/login.ts';
import type { CredentialOptions, FoundDeclared, OpenedCredentials } from '../credentials/open.ts';
import type { RegistryHosts } from '../domain/credential.ts';
import type { Facts } from '../domain/facts.ts';
import type { Injection } from '../domain/injection.ts';
import type { RegistryClient } from '../domain/network.ts';
import type { Plan } from '../domain/plan.ts';
import type { Authority } from '../egress/tls/index.ts';
import { ensurePrivateFolder, writeAtomically } from '../state/write-atomically.ts';
import { lockKept, readKept, writeKept } from './kept-credentials.ts';
import { hideFormer, showFiles } from './shown-files.ts';
import { openTrust } from './trust.ts';
import { writableFolders } from './writable.ts';

/** What a run's credentials need of the network, and the command's environment with their placeholders. */
export interface SessionCredentials {
  readonly env: Plan['env'];
  /** what of it is added to the plan's */
  readonly added: Plan['env'];
  readonly injection: Injection;
  /** of this run alone; its key never leaves this process */
  readonly authority: Authority;
  readonly upstreamCa?: readonly string[];
  readonly systemCa: () => string;
  /** to be called once the command starts: makes what no command needs at once */
  readonly complete: () => void;
}

type CredentialFacts = Pick<Facts, 'env' | 'home'>;

/**
 * Finds the plan's credentials outside, and puts their placeholders and the certificate that the proxy signs with where tools inside look
 * for them. Throws SBOX_E_CREDENTIAL if one is missing. To be called once the state is prepared.
 */
export const openSessionCredentials = async (
  plan: Plan,
  facts: CredentialFacts,
  onProblem: (sentence: string) => void,
): Promise<SessionCredentials | undefined> => {
  const { credentials: declared, sandbox } = plan;
  if (plan.trust === undefined) {
    await hideFormer(sandbox);
    return undefined;
  }
  withholdMemory(onProblem);
  const { findDeclared, openCommandRunner } = await import('../credentials/index.ts');
  const { env: operatorEnv, home } = facts;
  const registries = await findRegistries(plan, facts);
  const runCommand = openCommandRunner(operatorEnv, writableFolders(plan));
  const found = await findDeclared(declared, { env: operatorEnv, home, runCommand, registries });
  const { injection, env } = await show(plan, found, { registries, onProblem });
  const { variables, ...verifying } = await openTrust(plan, injection, operatorEnv, onProblem);
  const added = { ...env, ...variables };
  return { env: { ...plan.env, ...added }, added, injection, ...verifying };
};

/** Gives what was found its placeholders and shows them in HOME: one run after the other, so that all agree on them. */
const show = async (
  { sandbox, env }: Plan,
  found: readonly FoundDeclared[],
  options: Pick<CredentialOptions, 'registries' | 'onProblem'>,
): Promise<OpenedCredentials> => {
  const { openCredentials, openPlaceholders } = await import('../credentials/index.ts');
  using _lock = await lockKept(sandbox);
  const opened = openCredentials(found, {
    ...options,
    gitConfigs: Number(env['GIT_CONFIG_COUNT'] ?? 0),
    standFor: openPlaceholders({
      read: () => readKept(sandbox).placeholders,
      write: (placeholders) => {
        try {
          writeKept(sandbox, { ...readKept(sandbox), placeholders });
        } catch (error) {
          // in the midst of a renewal, whose tokens would be lost
          options.onProblem(`the next run will have other placeholders: ${(error as Error).message}`);
        }
      },
    }),
    logins: storedLogins(sandbox),
  });
  showFiles(sandbox, opened.files);
  return opened;
};

const storedLogins = ({ folder }: Plan['sandbox']): StoredLogins => {
  const logins = join(folder, 'logins');
  return {
    read: (name) => readText(join(logins, `${name}.json`)),
    write: async (name, text) => {
      ensurePrivateFolder(logins);
      writeAtomically(join(logins, `${name}.json`), text);
    },
    lock: async (name) => {
      const { openLock } = await import('../state/lock.ts');
      ensurePrivateFolder(logins);
      return openLock(join(logins, `${name}.lock`), renewalWaitMs);
    },
  };
};

/** Another run may be waiting for the answer of the token endpoint. */
const renewalWaitMs = 60_000;

/**
 * Keeps this process's memory out of a core dump (core(5), "Controlling which mappings are written to the core dump"). It lies in the working
 * directory, so in reach of a later command, and where Landlock has no scope for signals (ABI 5 and less) a command of the same user can cause it.
 */
const withholdMemory = (onProblem: (sentence: string) => void): void => {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // a kernel without core dumps has no such file
    if (code !== 'ENOENT') onProblem(`a core dump of sbox would hold the credentials: coredump_filter: ${code}`);
  }
};

const findRegistries = async (plan: Plan, facts: CredentialFacts): Promise<RegistryHosts> => {
  const hosts = plan.credentials.flatMap(({ provider }) => provider.uses.flatMap((use) => use.hosts));
  const clients = ['npm', 'pip'].filter((client) => hosts.includes(`registry:${client}`)) as RegistryClient[];
  if (clients.length === 0) return {};
  const { resolveRegistry } = await import('../egress/index.ts');
  const found = clients.map(async (client) => {
    const { hosts: named } = await resolveRegistry(client, {
      env: facts.env,
      home: facts.home,
      untrusted: writableFolders(plan),
    });
    return [client, named] as const;
  });
  return Object.fromEntries(await Promise.all(found));
};

const readText = (path: string): string | undefined => {
  try {
    return path === '' ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined; // not there
  }
};
