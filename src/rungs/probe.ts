import type { Capabilities, Facts, NamespaceVariant, Refusal } from '../domain/facts.ts';
import { bareNetwork } from '../domain/network.ts';
import type { Plan, PlannedMount } from '../domain/plan.ts';
import type { LaunchEnd } from './launch.ts';
import { nothing, quiet, refusalOf } from './probe/ask.ts';
import { probeLandlock } from './probe/landlock.ts';
import { probeListener } from './probe/listener.ts';
import { startPlan } from './start.ts';

type Arch = Facts['arch'];

/** Finds out what this kernel gives the caller, by doing the whole of it in children; takes some milliseconds. */
export const probeCapabilities = async (arch: Arch, executable: string): Promise<Capabilities> => {
  const [landlock, namespaces, bareNamespaces, listener] = await Promise.all([
    probeLandlock(arch, executable),
    probeNamespaces(arch, executable),
    probeBareNamespaces(arch, executable),
    probeListener(arch, executable),
  ]);
  return { ...landlock, namespaces, bareNamespaces, listener };
};

/** The strongest variant of the namespaces rung that works as a whole, or why the weakest doesn't. */
const probeNamespaces = async (arch: Arch, executable: string): Promise<Capabilities['namespaces']> => {
  let refusal: Refusal | undefined;
  for (const variant of variants) {
    const plan = { ...smallestPlan, mechanism: { kind: 'namespaces', ...variant } as const };
    const end = await startPlan(plan, { arch, landlockAbi: 0 }, executable, quiet).ended;
    if (reachedCommand(end)) return variant;
    refusal = refusalOf(end);
  }
  return refusal as Refusal;
};

const variants: readonly NamespaceVariant[] = [
  { root: 'pivot', proc: 'fresh' },
  { root: 'chroot', proc: 'fresh' },
  { root: 'pivot', proc: 'host' },
  { root: 'chroot', proc: 'host' },
];

const probeBareNamespaces = async (arch: Arch, executable: string): Promise<boolean> => {
  const plan = { ...smallestPlan, mounts: [], mechanism: { kind: 'landlock', abi: 1, namespaces: true } as const };
  return reachedCommand(await startPlan(plan, { arch, landlockAbi: 0 }, executable, quiet).ended);
};

/** A plan without candidates for its command ends there, and nowhere before. */
const reachedCommand = (end: LaunchEnd): boolean => end.kind === 'failure' && end.error.code === 'SBOX_E_NOT_FOUND';

const smallestPlan = {
  version: 1,
  sandbox: { name: 'probe', folder: '/', ephemeral: true, named: true },
  rung: 'namespaces',
  profiles: [],
  workspace: '/',
  cwd: '/',
  home: '/',
  command: nothing,
  mounts: [
    { kind: 'bind', source: '/usr', target: '/usr', type: 'dir', access: 'ro', why: 'probe' },
    { kind: 'proc', target: '/proc', why: 'probe' },
    { kind: 'devices', target: '/dev', why: 'probe' },
    { kind: 'memory', target: '/tmp', mode: 0o700, why: 'probe' },
  ] as readonly PlannedMount[],
  env: {},
  network: bareNetwork('none'),
  broker: false,
  credentials: [],
  hidePaths: false,
  hostname: 'sbox',
  user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, kernelRoot: false },
  userNamespaces: false,
  limits: {},
  properties: [],
  require: [],
  watch: [],
  deepWatch: false,
  index: { path: '/' },
  notes: [],
} as const satisfies Partial<Plan>;
