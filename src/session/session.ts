import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { Plan } from '../domain/plan.ts';
import { decodeStatus, type LaunchEnd, type Launched, type Stdio } from '../rungs/launch.ts';
import { startPlan } from '../rungs/start.ts';
import { removeFolder } from '../state/remove-folder.ts';
import { prepareState } from './prepare.ts';
import { assertStreams } from './streams.ts';
import { followTerminal } from './terminal.ts';

/** How a run ended. */
export interface Outcome {
  /** the command's own code, or 128 + n if signal n killed it */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  readonly timedOut: boolean;
  /** protected paths that did not exist before the run and do now, relative to the workspace */
  readonly appeared: readonly string[];
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
}

type LaunchFacts = Pick<Facts, 'arch' | 'capabilities'>;

/** From SIGTERM at the time limit to SIGKILL. */
const graceMs = 5_000;

/** Starts a plan. Throws an SboxError if the streams can't be handed over or the state directory can't be prepared. */
export const openSession = async (plan: Plan, facts: LaunchFacts, options: SessionOptions): Promise<Session> => {
  assertStreams(options.stdio);
  await prepareState(plan);
  const { arch, capabilities } = facts;
  const launched = startPlan(plan, { arch, landlockAbi: capabilities.landlockAbi }, options.executable, options.stdio);
  const job = plan.terminal && followTerminal(launched);
  const limit = startTimeLimit(plan.limits.timeoutMs, launched);
  const ended = launched.ended.then(
    (end) => outcomeOf(end, plan, limit.stop(), launched),
    (error: NodeJS.ErrnoException) => {
      limit.stop();
      throw startError(error, options.executable);
    },
  );
  ended.catch(() => {}); // whoever awaits it gets it; nobody may
  const release = async () => {
    job?.[Symbol.dispose]();
    const folder = plan.sandbox.ephemeral ? plan.sandbox.folder : plan.runFolder;
    if (folder !== undefined) await removeFolder(folder);
  };
  const cleaned = ended.then(release, release);
  return {
    child: launched.child,
    ready: launched.ready,
    ended: cleaned.then(() => ended),
    kill: (signal) => void launched.child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (launched.child.exitCode === null) launched.child.kill('SIGKILL');
      await cleaned;
    },
  };
};

/** Starts the clock; `stop` ends it and tells whether the limit was reached. */
const startTimeLimit = (timeoutMs: number | undefined, { child }: Launched): { readonly stop: () => boolean } => {
  if (timeoutMs === undefined) return { stop: () => false };
  let reached = false;
  let timer = setTimeout(() => {
    reached = true;
    child.kill('SIGTERM');
    child.kill('SIGCONT'); // a stopped command has to run to end
    timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  }, timeoutMs);
  return {
    stop: () => {
      clearTimeout(timer);
      return reached;
    },
  };
};

const outcomeOf = (end: LaunchEnd, plan: Plan, timedOut: boolean, { child }: Launched): Outcome => {
  const appeared = plan.watch.filter((path) => existsSync(join(plan.workspace, path)));
  switch (end.kind) {
    case 'status':
      return { ...decodeStatus(end.status), timedOut, appeared };
    case 'failure':
      throw end.error;
    case 'killed':
      if (child.killed || timedOut) return { exitCode: 137, signal: 'SIGKILL', timedOut, appeared };
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
