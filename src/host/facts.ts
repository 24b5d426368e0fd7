import { readFileSync, realpathSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Capabilities, Facts } from '../domain/facts.ts';
import type { Invocation } from '../domain/invocation.ts';
import { type RegistryClient, registryClients } from '../domain/network.ts';
import type { Profile } from '../domain/profile.ts';
import { probeOpenFiles } from './inherited.ts';
import { probePath } from './paths.ts';
import { probeIdentity, probeProtected } from './protected.ts';
import { probeRegistries } from './registries.ts';
import { probeEtc, probeSys, probeSystem } from './system.ts';
import { probeTerminal } from './terminal.ts';
import { probeTools } from './tools.ts';
import { probeUser } from './user.ts';

export interface FactsRequest {
  readonly profile: Profile;
  readonly invocation: Invocation;
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly cwd: string;
  readonly workspace: string;
  readonly stateDir: string;
  readonly configDir: string;
  readonly runFolder: string;
  readonly codeDir: string;
  readonly capabilities: Capabilities;
  /** sources of writable mounts beside the workspace */
  readonly writable: readonly string[];
  /** the paths whose kind the plan has to know */
  readonly paths: readonly string[];
  /** false for a run whose streams are pipes of a program's */
  readonly terminal: boolean;
}

/** Reads from the host all that the plan of one run depends on; changes nothing. */
export const probeFacts = async (request: FactsRequest): Promise<Facts> => {
  const { profile, invocation, env, home, workspace } = request;
  const realHome = realPath(home);
  const user = probeUser(env);
  const system = probeSystem();
  const openFiles = probeOpenFiles();
  const gitIndex = probeIdentity(`${workspace}/.git/index`, false);
  const terminal = request.terminal ? probeTerminal() : undefined;
  const command = [invocation.command[0], profile.command[0], user.shell].find((word) => word !== undefined);
  return {
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    capabilities: request.capabilities,
    user,
    home,
    realHome,
    hostname: hostname(),
    cwd: request.cwd,
    workspace,
    workspaceOwner: statSync(workspace).uid,
    stateDir: request.stateDir,
    configDir: request.configDir,
    runFolder: request.runFolder,
    codeDir: request.codeDir,
    env,
    system,
    etc: probeEtc(),
    sys: probeSys(),
    tools: await probeTools({
      path: [...new Set((env['PATH'] ?? '').split(':').filter(Boolean))],
      home: realHome,
      cwd: request.cwd,
      visible: [...system.filter(({ kind }) => kind === 'dir').map(({ path }) => path), workspace],
      writable: [workspace, ...request.writable],
      command,
      only: profile.path.tools,
    }),
    paths: Object.fromEntries(request.paths.map((path) => [path, probePath(path)])),
    protectedPaths: probeProtected(
      [workspace, ...request.writable],
      profile.protect,
      !('root' in request.capabilities.namespaces),
    ),
    ...(gitIndex !== undefined && { gitIndex }),
    ...(terminal && { terminal }),
    ...(openFiles && { openFiles }),
    registries: probeRegistries(registriesOf(profile, invocation), env, home),
    sharedFiles: sharedFiles.flatMap(realFile),
    resolvConf: readText('/etc/resolv.conf'),
    hosts: readText('/etc/hosts'),
  };
};

/** The clients whose registry a rule or a credential names. */
const registriesOf = (profile: Profile, { allow = [], credentials = [] }: Invocation): readonly RegistryClient[] => {
  const rules = [...profile.network.allow, ...allow];
  const hosts = [...profile.credentials, ...credentials].flatMap(({ provider }) =>
    provider.uses.flatMap((use) => use.hosts),
  );
  return registryClients.filter(
    (client) =>
      hosts.includes(`registry:${client}`) ||
      rules.some(({ match }) => match.kind === 'registry' && match.client === client),
  );
};

/** World-readable files that say who is who and where names are resolved. */
const sharedFiles = ['passwd', 'group', 'hosts', 'hostname', 'resolv.conf'].map((name) => `/etc/${name}`);

const realFile = (path: string): string[] => {
  const fact = probePath(path);
  return fact.kind === 'file' ? [fact.real] : [];
};

const realPath = (path: string): string => {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
};

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
