import { join } from 'node:path';
import { SboxError } from '../domain/errors.ts';
import type { Capabilities, Facts } from '../domain/facts.ts';
import type { Invocation } from '../domain/invocation.ts';
import type { Plan } from '../domain/plan.ts';
import { probeFacts } from '../host/facts.ts';
import { planRun } from '../plan/plan.ts';
import { declaredPaths, writableSources } from '../plan/questions.ts';
import type { InlineDocument } from '../profile/inline.ts';
import { loadProfile } from '../profile/load.ts';
import { ensurePrivateFolder } from '../state/write-atomically.ts';
import { forgetCapabilities, recallCapabilities } from './capabilities.ts';

/** All that a run is made of, before anything was read. Paths are absolute and without links. */
export interface RunRequest {
  readonly invocation: Invocation;
  readonly profiles: readonly string[];
  readonly configFile?: string;
  /** a program's own documents: in place of a file, and beside everything else */
  readonly policy?: InlineDocument;
  readonly additions?: InlineDocument;
  readonly ignoreWorkspaceConfig: boolean;
  readonly workspace: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly stateDir: string;
  readonly configDir: string;
  /** the folder of sbox's package, with profiles/ and dist/ */
  readonly packageDir: string;
  /** whether the command is to share this process's terminal */
  readonly terminal: boolean;
}

export interface PlannedRun {
  readonly plan: Plan;
  readonly facts: Facts;
  /** the interpreter's executable */
  readonly executable: string;
}

/** One process may have many runs begin in the same millisecond, also in threads that share its id. */
const nameRun = (): string => `${process.pid}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;

/** What this machine can do, looked at anew. Throws an SboxError if the state directory can't be written. */
export const lookAtCapabilities = (stateDir: string, packageDir: string): Promise<Capabilities> => {
  ensurePrivateFolder(stateDir);
  forgetCapabilities(stateDir);
  return recallCapabilities(stateDir, arch, interpreterIn(packageDir));
};

const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const interpreterIn = (packageDir: string): string => join(packageDir, 'dist', `interpreter-${arch}`);

/** Failures that a change of the machine since the last look explains. */
const outdated: readonly string[] = ['SBOX_E_USERNS_DENIED', 'SBOX_E_SETUP'];

/** A plan after another look at the machine, where a failure may come of an old one; throws that failure if nothing has changed. */
export const planAgain = async (request: RunRequest, { plan }: PlannedRun, failure: unknown): Promise<PlannedRun> => {
  if (!(failure instanceof SboxError) || !outdated.includes(failure.code)) throw failure;
  const again = await planRequest(request, 'look again');
  if (JSON.stringify(again.plan.mechanism) === JSON.stringify(plan.mechanism)) throw failure;
  return again;
};

/** The pipeline up to the plan: profile, facts, plan; what the kernel can do is remembered from earlier. Throws an SboxError. */
export const planRequest = async (
  request: RunRequest,
  memory: 'recall' | 'look again' = 'recall',
): Promise<PlannedRun> => {
  if (memory === 'look again') forgetCapabilities(request.stateDir);
  const { invocation, env, home, stateDir, packageDir } = request;
  const profile = await loadProfile({
    names: request.profiles,
    ...(request.configFile !== undefined && { configFile: request.configFile }),
    ...(request.policy && { policy: request.policy }),
    ...(request.additions && { additions: request.additions }),
    ignoreWorkspaceConfig: request.ignoreWorkspaceConfig,
    workspace: request.workspace,
    stateDir,
    configDir: request.configDir,
    shippedProfilesDir: join(packageDir, 'profiles'),
  });
  const executable = interpreterIn(packageDir);
  ensurePrivateFolder(stateDir);
  const facts = await probeFacts({
    profile,
    invocation,
    env,
    home,
    cwd: request.cwd,
    workspace: request.workspace,
    stateDir,
    runFolder: join(stateDir, 'runs', nameRun()),
    codeDir: packageDir,
    capabilities: await recallCapabilities(stateDir, arch, executable),
    writable: writableSources(profile, invocation, home),
    configDir: request.configDir,
    paths: declaredPaths(profile, invocation, env, home),
    terminal: request.terminal,
  });
  return { plan: planRun(profile, invocation, facts), facts, executable };
};
