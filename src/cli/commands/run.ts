import { closeSync, openSync, realpathSync, writeSync } from 'node:fs';
import { exitCode, SboxError } from '../../domain/errors.ts';
import type { Plan } from '../../domain/plan.ts';
import { renderRefusals } from '../../domain/refusals.ts';
import { type PlannedRun, planAgain, planRequest, type RunRequest } from '../../session/request.ts';
import { type Outcome, openSession } from '../../session/session.ts';
import { passSignals } from '../../session/signals.ts';
import type { CliContext } from '../context.ts';
import type { RunOptions } from '../options.ts';
import { renderRequest } from '../request.ts';

/** `sbox run`: plans, starts the command, and ends as it ends. */
export const run = async (command: readonly string[], options: RunOptions, context: CliContext): Promise<number> => {
  const statusFd = parseStatusFd(options.statusFd);
  try {
    const request = renderRequest(command, options, context);
    const planned = await planRequest(request);
    if (options.dryRun) {
      const { printPlan } = await import('./plan.ts');
      return printPlan(planned.plan, options.json ?? false, context);
    }
    const { outcome, plan } = await runPlanned(planned, request, options, context);
    conclude(outcome, plan, options, context);
    const { exitCode: code, signal, timedOut } = outcome;
    writeStatus(statusFd, {
      source: 'command',
      exitCode: code,
      ...(signal && { signal }),
      timedOut,
      rung: plan.rung,
      properties: plan.properties,
    });
    return code;
  } catch (thrown) {
    if (statusFd === undefined) throw thrown;
    const { asSboxError, errorToJson } = await import('../messages.ts');
    const error = asSboxError(thrown);
    writeStatus(statusFd, { source: 'sbox', exitCode: error.exitCode, error: errorToJson(error) });
    throw error;
  }
};

interface Ran {
  readonly outcome: Outcome;
  readonly plan: Plan;
}

/** Runs a plan; if the sandbox can't be made as it was found possible earlier, looks again at what is, once, and plans anew. */
const runPlanned = async (
  planned: PlannedRun,
  request: RunRequest,
  options: RunOptions,
  context: CliContext,
): Promise<Ran> => {
  report(planned.plan, options, context);
  try {
    return { outcome: await runOnce(planned, options), plan: planned.plan };
  } catch (thrown) {
    const again = await planAgain(request, planned, thrown);
    report(again.plan, options, context);
    return { outcome: await runOnce(again, options), plan: again.plan };
  }
};

const runOnce = async ({ plan, facts, executable }: PlannedRun, options: RunOptions): Promise<Outcome> => {
  await using session = await openSession(plan, facts, { executable, stdio: ['inherit', 'inherit', 'inherit'] });
  using _signals = passSignals(session, plan);
  if (await session.ready) releaseStreams(Number(options.statusFd));
  return await session.ended;
};

/** One line on what is not enforced, if anything is not, and the planner's notes. */
const report = (plan: Plan, options: RunOptions, context: CliContext): void => {
  if (options.json)
    context.complain(
      `${JSON.stringify({ event: 'start', rung: plan.rung, sandbox: plan.sandbox.name, properties: plan.properties, notes: plan.notes })}\n`,
    );
  if (options.quiet || options.json) return;
  const weak = plan.properties.filter(({ status }) => status !== 'enforced');
  if (weak.length > 0)
    context.complain(
      `sbox: not enforced: ${weak.map(({ name, status, why }) => `${name} ${status} (${why})`).join('; ')}\n`,
    );
  for (const note of [...(context.stateNote === undefined ? [] : [context.stateNote]), ...plan.notes])
    context.complain(`sbox: note: ${note}\n`);
};

const conclude = (outcome: Outcome, plan: Plan, options: RunOptions, context: CliContext): void => {
  if (options.json) context.complain(`${JSON.stringify({ event: 'end', ...outcome })}\n`);
  if (outcome.timedOut && !options.json)
    context.complain(`sbox: note: the time limit of ${(plan.limits.timeoutMs ?? 0) / 1000} s was reached\n`);
  if (options.quiet || options.json) return;
  const shown = (path: string) =>
    path.startsWith(`${plan.workspace}/`) ? path.slice(plan.workspace.length + 1) : path;
  for (const path of outcome.changed.map(shown))
    context.complain(
      `sbox: note: "${path}" was made or changed during the run: read it before a program outside obeys it\n`,
    );
  for (const line of renderRefusals(outcome.refusals)) context.complain(`sbox: note: ${line}\n`);
  if (outcome.unlogged !== undefined) context.complain(`sbox: note: ${outcome.unlogged}\n`);
  if (outcome.leftover !== undefined) context.complain(`sbox: note: could not remove ${outcome.leftover}\n`);
};

/** The launcher keeps no end of the command's pipes open but what it was told to write to; what it says goes to standard error. */
const releaseStreams = (statusFd: number): void => {
  for (const fd of [0, 1].filter((stream) => stream !== statusFd)) {
    try {
      closeSync(fd);
      openSync('/dev/null', fd === 0 ? 'r' : 'w'); // takes the lowest free number: the one just closed
    } catch {
      // closed by the caller already
    }
  }
};

const parseStatusFd = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const fd = Number(text);
  if (/^\d{1,4}$/.test(text) && fd !== 0 && isOpen(fd)) return fd;
  throw new SboxError({
    code: 'SBOX_E_USAGE',
    message: `cannot use --status-fd ${text}: it is not an open descriptor`,
    fix: 'sbox run --status-fd 3 -- COMMAND 3>status.json',
    exitCode: exitCode.usage,
  });
};

const isOpen = (fd: number): boolean => {
  try {
    realpathSync(`/proc/self/fd`);
    return writeSync(fd, '') === 0;
  } catch {
    return false;
  }
};

const writeStatus = (fd: number | undefined, status: Record<string, unknown>): void => {
  if (fd !== undefined) writeSync(fd, `${JSON.stringify(status)}\n`);
};
