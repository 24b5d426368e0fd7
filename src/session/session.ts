import type { EgressEvent } from '../domain/decision.ts';
import type { Facts } from '../domain/facts.ts';
import type { Plan } from '../domain/plan.ts';
import { addRefusal, noRefusals, withoutOwn } from '../domain/refusals.ts';
import type { Launched, Stdio } from '../rungs/launch.ts';
import { startPlan } from '../rungs/start.ts';
import { openUse } from '../state/use.ts';
import { openRunAudit } from './audit.ts';
import { openSessionCredentials } from './credentials.ts';
import { openAdvisory, openSandboxNetwork, publishPorts } from './network.ts';
import { type Cleaning, type Outcome, outcomeOf, removeFolder, startError } from './outcome.ts';
import { prepareState } from './prepare.ts';
import { openEarlyUse } from './shown-files.ts';
import { assertStreams } from './streams.ts';
import { followTerminal } from './terminal.ts';

export type { Outcome } from './outcome.ts';

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

/**
 * Starts a plan. Throws an SboxError if the streams can't be handed over, the state directory can't be prepared, a credential is missing
 * or a port can't be published; nothing of the run is left then.
 */
export const openSession = async (plan: Plan, facts: LaunchFacts, options: SessionOptions): Promise<Session> => {
  assertStreams(options.stdio);
  let use: Disposable | undefined;
  try {
    await prepareState(plan);
    use = openEarlyUse(plan);
    return await openPrepared(plan, facts, options, use);
  } catch (error) {
    use?.[Symbol.dispose]();
    await removeOwn(plan);
    throw error;
  }
};

/** Removes the folder of this one run, if it has one. */
const removeOwn = async ({ sandbox, runFolder }: Plan): Promise<{ leftover?: string }> => {
  const folder = sandbox.ephemeral ? sandbox.folder : runFolder;
  return folder === undefined ? {} : await removeFolder(folder);
};

const openPrepared = async (
  plan: Plan,
  facts: LaunchFacts,
  options: SessionOptions,
  early: Disposable | undefined,
): Promise<Session> => {
  const problems: string[] = [];
  const { arch, capabilities } = facts;
  const credentials = await openSessionCredentials(plan, facts, (sentence) => void problems.push(sentence));
  const published = await publishPorts(plan);
  const audit = openRunAudit(plan, facts.stateDir, Date.now());
  let refusals = noRefusals;
  const onEvent = (event: EgressEvent): void => {
    refusals = addRefusal(refusals, event);
    audit.decided(event);
    options.onDecision?.(event);
  };
  const servers = new Set<number>(); // their ports
  const onServer = (port: number): void => void servers.add(port);
  const shared = { ...(published && { published }), ...(credentials && { credentials }) };
  const context = { facts, executable: options.executable, onEvent, onServer, ...shared };
  const advisory = await openAdvisory(plan, context);
  const env = advisory?.env ?? credentials?.env ?? plan.env;
  const host = { arch, landlockAbi: capabilities.landlockAbi };
  const started = Date.now(); // before the outer supervisor starts its clock
  const launched = startPlan({ ...plan, env }, host, options.executable, options.stdio);
  credentials?.complete();
  const network = plan.broker ? openSandboxNetwork(plan, context) : undefined;
  network?.follow(launched, 'run');
  const use = early ?? openUse(plan.sandbox.folder);
  const job = plan.terminal && followTerminal(launched);
  const ended = launched.ended.then(
    (end) => outcomeOf(end, plan, started, launched),
    (error: NodeJS.ErrnoException) => {
      throw startError(error, options.executable);
    },
  );
  const release = async (): Promise<Cleaning> => {
    job?.[Symbol.dispose]();
    use[Symbol.dispose]();
    await network?.[Symbol.asyncDispose]();
    await advisory?.[Symbol.asyncDispose]();
    await ended.then(audit.ended, () => {});
    audit[Symbol.dispose]();
    const unlogged = [...problems, audit.failure()].filter((text) => text !== undefined).join('; ') || undefined;
    return {
      ...(await removeOwn(plan)),
      refusals: withoutOwn(refusals, servers),
      ...(unlogged !== undefined && { unlogged }),
    };
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
