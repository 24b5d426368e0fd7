import type { EgressEvent } from '../domain/decision.ts';
import { SboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { Plan, WatchedPath } from '../domain/plan.ts';
import { addRefusal, noRefusals, type Refusals } from '../domain/refusals.ts';
import { probeIdentity, probeNewRepositories } from '../host/protected.ts';
import { decodeStatus, type LaunchEnd, type Launched, type Stdio } from '../rungs/launch.ts';
import { startPlan } from '../rungs/start.ts';
import { removeTree } from '../state/remove-tree.ts';
import { openUse } from '../state/use.ts';
import { openRunAudit } from './audit.ts';
import { openSandboxNetwork, publishPorts } from './network.ts';
import { prepareState } from './prepare.ts';
import { assertStreams } from './streams.ts';
import { followTerminal } from './terminal.ts';

/** How a run ended. */
export interface Outcome {
  /** the command's own code, or 128 + n if signal n killed it */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  readonly timedOut: boolean;
  /** protected paths that are not what they were before the run */
  readonly changed: readonly string[];
  /** what it asked the network for in vain */
  readonly refusals: Refusals;
  /** a folder of sbox's own that could not be removed, and why */
  readonly leftover?: string;
  /** what could not be written to the audit log, and why */
  readonly unlogged?: string;
}

/** One running command with all that belongs to it. */
export interface Session extends AsyncDisposable {
  readonly child: Launched['child'];
  /** true once the sandbox is made and the command about to run; false if it could not be */
  readonly ready: Promise<boolean>;
  /** Rejects with an SboxError if the sandbox or the command could not be started. */
  readonly ended: Promise<Outcome>;
  /** passes a signal on to the command; SIGKILL ends the whole run at once */
  readonly kill: (signal: NodeJS.Signals) => void;
}

export interface SessionOptions {
  readonly stdio: Stdio;
  /** the interpreter's executable */
  readonly executable: string;
  /** told of every decision on what leaves the sandbox, when the connection has ended */
  readonly onDecision?: (event: EgressEvent) => void;
}

type LaunchFacts = Pick<Facts, 'arch' | 'capabilities' | 'env' | 'home' | 'stateDir'>;

/** Starts a plan. Throws an SboxError if the streams can't be handed over or the state directory can't be prepared. */
export const openSession = async (plan: Plan, facts: LaunchFacts, options: SessionOptions): Promise<Session> => {
  assertStreams(options.stdio);
  await prepareState(plan);
  const { arch, capabilities } = facts;
  const published = await publishPorts(plan);
  const started = Date.now(); // before the outer supervisor starts its clock
  const launched = startPlan(plan, { arch, landlockAbi: capabilities.landlockAbi }, options.executable, options.stdio);
  const audit = openRunAudit(plan, facts.stateDir, started);
  let refusals = noRefusals;
  const onEvent = (event: EgressEvent): void => {
    refusals = addRefusal(refusals, event);
    audit.decided(event);
    options.onDecision?.(event);
  };
  const context = { facts, onEvent, ...(published && { published }) };
  const network = plan.broker ? openSandboxNetwork(plan, context) : undefined;
  network?.follow(launched, 'run');
  const use = openUse(plan.sandbox.folder);
  const job = plan.terminal && followTerminal(launched);
  const ended = launched.ended.then(
    (end) => outcomeOf(end, plan, started, launched),
    (error: NodeJS.ErrnoException) => {
      throw startError(error, options.executable);
    },
  );
  const folder = plan.sandbox.ephemeral ? plan.sandbox.folder : plan.runFolder;
  const release = async (): Promise<Cleaning> => {
    job?.[Symbol.dispose]();
    use[Symbol.dispose]();
    await network?.[Symbol.asyncDispose]();
    await ended.then(audit.ended, () => {});
    audit[Symbol.dispose]();
    const unlogged = audit.failure();
    const removed = folder === undefined ? {} : await removeFolder(folder);
    return { ...removed, refusals, ...(unlogged !== undefined && { unlogged }) };
  };
  const cleaned = ended.then(release, release);
  const finished = cleaned.then(async (cleaning) => ({ ...(await ended), ...cleaning }));
  finished.catch(() => {}); // whoever awaits it gets it; nobody may
  return {
    child: launched.child,
    ready: launched.ready,
    ended: finished,
    kill: (signal) => void launched.child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (launched.child.exitCode === null) launched.child.kill('SIGKILL');
      await cleaned;
    },
  };
};

type Cleaning = Pick<Outcome, 'leftover' | 'refusals' | 'unlogged'>;

const removeFolder = (folder: string): Promise<{ leftover?: string }> =>
  removeTree(folder).then(
    () => ({}),
    (error: Error) => ({ leftover: `"${folder}" (${error.message})` }),
  );

type CommandEnd = Omit<Outcome, keyof Cleaning>;

const outcomeOf = (end: LaunchEnd, plan: Plan, started: number, { child }: Launched): CommandEnd => {
  const timedOut = Date.now() - started >= (plan.limits.timeoutMs ?? Number.POSITIVE_INFINITY);
  const changed = probeChanged(plan, started);
  switch (end.kind) {
    case 'status':
      return { ...decodeStatus(end.status), timedOut, changed };
    case 'failure':
      throw end.error;
    case 'killed':
      if (child.killed || timedOut) return { exitCode: 137, signal: 'SIGKILL', timedOut, changed };
      throw new SboxError({
        code: 'SBOX_E_SETUP',
        message: `cannot tell how the command ended: its supervisor was killed (${child.signalCode ?? `exit ${child.exitCode}`})`,
        cause: 'something outside the sandbox killed it, such as the out-of-memory killer',
        fix: 'look into: dmesg | tail',
      });
    case 'answers':
      throw new SboxError({ code: 'SBOX_E_INTERNAL', message: 'cannot run: the program answered as a probe does' });
  }
};

/** What programs outside obey and is not what it was: protected paths, and repositories that came with a change of the index. */
const probeChanged = ({ watch, deepWatch, index, workspace }: Plan, started: number): string[] => {
  const isChanged = ({ path, identity }: WatchedPath) =>
    probeIdentity(path, deepWatch && path !== index.path) !== identity;
  const repositories = isChanged(index) ? probeNewRepositories(workspace, started) : [];
  return [...watch.filter(isChanged).map(({ path }) => path), ...repositories.map((path) => `${workspace}/${path}`)];
};

const startError = (error: NodeJS.ErrnoException, executable: string): SboxError =>
  new SboxError({
    code: 'SBOX_E_SETUP',
    message: `cannot start "${executable}": ${error.code ?? error.message}`,
    cause:
      error.code === 'EACCES'
        ? 'it is not executable, or lies on a file system mounted noexec'
        : "a part of sbox's package is missing",
    fix: 'install sbox again: npm install -g sbox',
  });
