import { closeSync, openSync, realpathSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { exitCode, SboxError } from '../../domain/errors.ts';
import type { Plan } from '../../domain/plan.ts';
import { planRequest, type RunRequest } from '../../session/request.ts';
import { type Outcome, openSession } from '../../session/session.ts';
import { passSignals } from '../../session/signals.ts';
import type { CliContext } from '../context.ts';
import { parseInvocation, type RunOptions } from '../options.ts';

/** `sbox run`: plans, starts the command, and ends as it ends. */
export const run = async (command: readonly string[], options: RunOptions, context: CliContext): Promise<number> => {
  const statusFd = parseStatusFd(options.statusFd);
  try {
    const planned = await planRequest(renderRequest(command, options, context));
    if (options.dryRun) {
      const { printPlan } = await import('./plan.ts');
      return printPlan(planned.plan, options.json ?? false, context);
    }
    report(planned.plan, options, context);
    await using session = await openSession(planned.plan, planned.facts, {
      executable: planned.executable,
      stdio: ['inherit', 'inherit', 'inherit'],
    });
    using _signals = passSignals(session, planned.plan.terminal !== undefined);
    releaseStreams();
    const outcome = await session.ended;
    conclude(outcome, planned.plan, options, context);
    writeStatus(statusFd, {
      source: 'command',
      exitCode: outcome.exitCode,
      ...(outcome.signal && { signal: outcome.signal }),
      timedOut: outcome.timedOut,
      properties: planned.plan.properties,
    });
    return outcome.exitCode;
  } catch (thrown) {
    if (statusFd === undefined) throw thrown;
    const { asSboxError, errorToJson } = await import('../messages.ts');
    const error = asSboxError(thrown);
    writeStatus(statusFd, { source: 'sbox', exitCode: error.exitCode, error: errorToJson(error) });
    throw error;
  }
};

/** The request that options and context make. Throws an SboxError. */
export const renderRequest = (command: readonly string[], options: RunOptions, context: CliContext): RunRequest => {
  const env = Object.fromEntries(
    Object.entries(context.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const workspace = options.workspace === undefined ? context.cwd : resolveWorkspace(options.workspace, context.cwd);
  return {
    invocation: parseInvocation(command, options, context.cwd),
    profiles: options.profile,
    ...(typeof options.config === 'string' && { configFile: resolve(context.cwd, options.config) }),
    ignoreWorkspaceConfig: options.config === false,
    workspace,
    cwd: context.cwd === workspace || context.cwd.startsWith(`${workspace}/`) ? context.cwd : workspace,
    env,
    home: context.home,
    stateDir: context.stateDir,
    configDir: context.configDir,
    packageDir: context.packageDir,
    terminal: true,
  };
};

const resolveWorkspace = (folder: string, cwd: string): string => {
  try {
    return realpathSync(resolve(cwd, folder));
  } catch (error) {
    throw new SboxError({
      code: 'SBOX_E_WORKSPACE',
      message: `cannot use "${folder}" as the workspace: ${(error as NodeJS.ErrnoException).code}`,
      fix: `mkdir -p "${resolve(cwd, folder)}"`,
      exitCode: exitCode.usage,
    });
  }
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
  for (const note of plan.notes) context.complain(`sbox: note: ${note}\n`);
};

const conclude = (outcome: Outcome, plan: Plan, options: RunOptions, context: CliContext): void => {
  if (options.json) context.complain(`${JSON.stringify({ event: 'end', ...outcome })}\n`);
  if (outcome.timedOut && !options.json)
    context.complain(`sbox: note: the time limit of ${(plan.limits.timeoutMs ?? 0) / 1000} s was reached\n`);
  if (options.quiet || options.json) return;
  for (const path of outcome.appeared)
    context.complain(`sbox: note: "${path}" was made by the command: read it before a program outside obeys it\n`);
};

/** The launcher keeps no end of the command's pipes open; what it says goes to standard error. */
const releaseStreams = (): void => {
  for (const fd of [0, 1]) {
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
