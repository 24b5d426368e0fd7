import type { Capabilities, Facts, NamespaceVariant, Refusal } from '../domain/facts.ts';
import { bareNetwork } from '../domain/network.ts';
import type { Plan, PlannedMount } from '../domain/plan.ts';
import { LANDLOCK_CREATE_RULESET_VERSION } from '../syscall/constants.ts';
import { Program } from '../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../syscall/records.ts';
import { type LaunchEnd, launchProgram } from './launch.ts';
import { channel } from './program/channel.ts';
import { forbidNewPrivileges } from './program/confine.ts';
import { openListener } from './program/listener.ts';
import { startPlan } from './start.ts';

type Arch = Facts['arch'];

/** Finds out what this kernel gives the caller, by doing the whole of it in children; takes some milliseconds. */
export const probeCapabilities = async (arch: Arch, executable: string): Promise<Capabilities> => {
  const [landlockAbi, namespaces, bareNamespaces, listener] = await Promise.all([
    probeLandlock(arch, executable),
    probeNamespaces(arch, executable),
    probeBareNamespaces(arch, executable),
    probeListener(arch, executable),
  ]);
  return { landlockAbi, namespaces, bareNamespaces, listener };
};

const quiet = ['ignore', 'ignore', 'ignore'] as const;

/** The version of Landlock's interface; 0 where it is off or unknown (landlock_create_ruleset(2)). */
const probeLandlock = async (arch: Arch, executable: string): Promise<number> => {
  const program = new Program(arch);
  const record = program.bytes(renderRecord(recordTag.answer));
  const into = program.valueAt(record, 8);
  program.call('landlock_create_ruleset', [0, 0, LANDLOCK_CREATE_RULESET_VERSION], { into, onFailure: 'ignore' });
  program.call('write', [channel, record, recordBytes]);
  program.call('exit_group', [0]);
  const end = await launchProgram({ executable, program, stdio: quiet, plan: { command: nothing } }).ended;
  return end.kind === 'answers' ? Math.max(0, end.answers[0] ?? 0) : 0;
};

/** Whether a filter's calls can be handed over: one listener alone is allowed among a process's filters (EBUSY, seccomp(2)). */
const probeListener = async (arch: Arch, executable: string): Promise<boolean> => {
  const program = new Program(arch);
  forbidNewPrivileges(program);
  const listener = openListener(program, arch, { connections: true, sockets: true, paths: true });
  const record = program.bytes(renderRecord(recordTag.answer));
  program.and(listener, -1, program.valueAt(record, 8));
  program.call('write', [channel, record, recordBytes]);
  program.call('exit_group', [0]);
  const end = await launchProgram({ executable, program, stdio: quiet, plan: { command: nothing } }).ended;
  return end.kind === 'answers' && (end.answers[0] ?? -1) >= 0;
};

/** The strongest variant of the namespaces rung that works as a whole, or why none does. */
const probeNamespaces = async (arch: Arch, executable: string): Promise<Capabilities['namespaces']> => {
  let refusal: Refusal | undefined;
  for (const variant of variants) {
    const plan = { ...smallestPlan, mechanism: { kind: 'namespaces', ...variant } as const };
    const end = await startPlan(plan, { arch, landlockAbi: 0 }, executable, quiet).ended;
    if (reachedCommand(end)) return variant;
    refusal ??= refusalOf(end);
  }
  return refusal ?? { message: 'the probe failed', cause: 'unknown', fix: 'report it' };
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

const refusalOf = (end: LaunchEnd): Refusal | undefined =>
  end.kind === 'failure'
    ? {
        message: end.error.message.replace(/^cannot /, "can't "),
        cause: end.error.reason ?? '',
        fix: end.error.fix ?? '',
      }
    : undefined;

const nothing: Plan['command'] = { argv: ['probe'], candidates: [] };

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
