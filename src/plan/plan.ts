import { exitCode, SboxError } from '../domain/errors.ts';
import type { Facts, ProtectedTree } from '../domain/facts.ts';
import type { Invocation } from '../domain/invocation.ts';
import type { NetworkPolicy } from '../domain/network.ts';
import { baseOf } from '../domain/path.ts';
import type { Mechanism, Plan, PlannedMount, WatchedPath } from '../domain/plan.ts';
import type { Profile } from '../domain/profile.ts';
import type { PropertyName } from '../domain/property.ts';
import { checkInvocation } from './checks.ts';
import { planCommand, planShell } from './command.ts';
import { planCredentials, planTrust } from './credentials.ts';
import { planEnvironment } from './environment.ts';
import { planLayout, sandboxHostname } from './layout.ts';
import { planMounts } from './mounts.ts';
import { noteUndenied, planNetwork } from './network.ts';
import { planProperties } from './properties.ts';
import { planHiding, planMechanism } from './rung.ts';
import { planSandbox } from './sandbox.ts';
import { planPerson } from './user.ts';

/**
 * The plan of one run: a pure function. Throws one SboxError with every problem of what was asked for (SBOX_E_WORKSPACE,
 * SBOX_E_MOUNT, SBOX_E_USAGE, SBOX_E_NETWORK_MODE), or SBOX_E_REQUIRE if a required property would not be enforced.
 */
export const planRun = (profile: Profile, invocation: Invocation, host: Facts): Plan => {
  checkInvocation(profile, invocation, host);
  const mechanism = planMechanism(invocation.rung, host.capabilities, 'SBOX' in host.env);
  const facts = planPerson(invocation, mechanism, host);
  const sandbox = planSandbox(invocation, facts);
  const layout = planLayout(mechanism, facts, sandbox);
  const network = planNetwork(profile, invocation);
  const hidePaths = planHiding(invocation.hide ?? profile.hide, mechanism, facts.capabilities);
  const broker = mechanism.kind !== 'portable' && facts.capabilities.listener && (network.mode !== 'full' || hidePaths);
  const credentials = planCredentials(profile, invocation, { network, mechanism, broker });
  const trust = credentials.length > 0 ? planTrust(mechanism, facts) : undefined;
  const { mounts, problems } = planMounts({
    declared: [...profile.mounts, ...invocation.mounts],
    facts,
    network,
    broker,
    ...(trust && { trust }),
    sandbox,
    mechanism,
    layout,
  });
  if (problems.length > 0) {
    throw new SboxError({
      code: 'SBOX_E_MOUNT',
      message: 'cannot plan the mounts',
      problems,
      exitCode: exitCode.usage,
    });
  }
  const shell = planShell(facts);
  const { env, notes } = planEnvironment({
    profile,
    invocation,
    facts,
    shell,
    mounts,
    layout,
    name: sandbox.name,
    mechanism,
    mode: network.mode,
    broker,
    trusts: trust !== undefined,
  });
  const shape = {
    network,
    limits: { ...profile.limits, ...invocation.limits },
    user: {
      uid: host.user.uid,
      gid: host.user.gid,
      kernelRoot: host.user.kernelRoot,
      ...(invocation.user && { as: invocation.user }),
    },
    userNamespaces: profile.userNamespaces,
    broker,
    hidePaths,
  };
  const command = planCommand(profile, invocation, facts, shell, env['PATH'] ?? '');
  const plan: Plan = {
    version: 1,
    sandbox,
    rung: mechanism.kind,
    mechanism,
    profiles: profile.sources,
    workspace: facts.workspace,
    cwd: facts.cwd,
    home: layout.home,
    ...((mechanism.kind !== 'namespaces' || trust) && { runFolder: facts.runFolder }),
    command,
    mounts,
    env,
    credentials,
    ...(trust && { trust }),
    hostname: sandboxHostname,
    ...shape,
    ...(facts.terminal && { terminal: facts.terminal }),
    ...(facts.openFiles && shape.limits.openFiles === undefined && { openFiles: facts.openFiles }),
    properties: planProperties({ ...shape, mechanism }, facts),
    require: [...new Set<PropertyName>([...profile.require, ...invocation.require])],
    watch: facts.protectedPaths.flatMap(watchTree).filter(({ path }) => !isLifted(path, mounts)),
    deepWatch: !('root' in facts.capabilities.namespaces),
    index: { path: `${facts.workspace}/.git/index`, ...(facts.gitIndex !== undefined && { identity: facts.gitIndex }) },
    notes: [
      ...notes,
      ...noteProfile(profile, command.argv[0], network),
      ...noteUndenied(network),
      ...noteUnreachable(network, mechanism, broker),
      ...noteLinks(facts),
      ...noteOwner(host),
    ],
  };
  assertRequired(plan);
  return plan;
};

/** root's power over the files of others is a capability, and the command has none. */
const noteOwner = ({ user, workspace, workspaceOwner }: Facts): string[] =>
  user.uid === 0 && workspaceOwner !== 0
    ? [
        `"${workspace}" belongs to uid ${workspaceOwner}: without capabilities, uid 0 can do there only what its modes allow to others`,
      ]
    : [];

/** Where no broker can make connections, what was declared stays out of reach. */
const noteUnreachable = ({ mode, allow }: NetworkPolicy, { kind }: Mechanism, broker: boolean): string[] =>
  kind === 'portable' || broker || mode === 'none' || mode === 'full' || (allow.length === 0 && mode === 'limited')
    ? []
    : ['no host can be reached: another program listens to system calls already, as inside another sandbox'];

/** Agents with a profile of their own, by the name of their program. */
const profileOf: Readonly<Record<string, string>> = {
  claude: 'claude-code',
  codex: 'codex',
  gemini: 'gemini',
  opencode: 'opencode',
  aider: 'aider',
};

const noteProfile = ({ sources }: Profile, program: string, { allow, mode }: NetworkPolicy): string[] => {
  const name = Object.hasOwn(profileOf, baseOf(program)) ? profileOf[baseOf(program)] : undefined;
  const applied = sources.some((file) => baseOf(file) === `${name}.json`);
  if (name === undefined || applied || allow.length > 0 || mode !== 'limited') return [];
  return [`no host is declared for ${baseOf(program)}: its profile names them, -p ${name}`];
};

const noteLinks = (facts: Facts): string[] =>
  facts.protectedPaths.flatMap(({ root, existing }) =>
    existing.flatMap(({ path, kind, names }) => {
      const shown = (relative: string) => (root === facts.workspace ? relative : `${root}/${relative}`);
      if (kind === 'link') return [`"${shown(path)}" is a symbolic link: it can't be protected`];
      return names > 1 ? [`"${shown(path)}" has ${names - 1} more hard links: it can be changed through them`] : [];
    }),
  );

/** What was declared writable by its own name is not watched. */
const isLifted = (path: string, mounts: readonly PlannedMount[]): boolean =>
  mounts.some(
    (mount) =>
      mount.kind === 'bind' && mount.access === 'rw' && mount.source === path && mount.why !== 'holds a protected path',
  );

const watchTree = ({ root, existing, missing }: ProtectedTree): WatchedPath[] => [
  ...existing.map(({ path, identity }) => ({ path: `${root}/${path}`, identity })),
  ...missing.map((path) => ({ path: `${root}/${path}` })),
];

/** Refuses a plan that does not enforce what was required of it. */
const assertRequired = (plan: Plan): void => {
  const weak = plan.properties.filter(({ name, status }) => plan.require.includes(name) && status !== 'enforced');
  if (weak.length === 0) return;
  throw new SboxError({
    code: 'SBOX_E_REQUIRE',
    message: `cannot enforce ${weak.map(({ name }) => `"${name}"`).join(', ')}, which ${weak.length === 1 ? 'is' : 'are'} required`,
    cause: weak.map(({ name, status, why }) => `${name} is ${status}: ${why}`).join('; '),
    fix: 'sbox plan shows every property; drop the requirement or change what weakens it',
  });
};
