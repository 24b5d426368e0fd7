import { exitCode, SboxError } from '../domain/errors.ts';
import { resolvePath } from '../domain/path.ts';
import type { Plan, PlannedCommand } from '../domain/plan.ts';
import { assertTexts } from './checks.ts';
import { planCandidates } from './command.ts';

/** A command to be started in a sandbox that there is already. */
export interface NextCommand {
  readonly argv: PlannedCommand['argv'];
  /** absolute, or relative to the workspace, which it is if absent */
  readonly cwd?: string;
  /** beside the sandbox's variables; undefined takes one away */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** not beyond the sandbox's own */
  readonly timeoutMs?: number;
}

/** The plan of another command in the sandbox of a plan. Throws an SboxError with every problem of what was asked for. */
export const planNext = (plan: Plan, { argv, cwd = '.', env = {}, timeoutMs }: NextCommand): Plan => {
  const folder = resolvePath(plan.workspace, cwd);
  const set = definedOnly(env);
  assertTexts({ command: argv, set, cwd: folder });
  assertTimeout(timeoutMs);
  const all: Record<string, string> = { ...plan.env, PWD: folder, ...set };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete all[name];
  const { timeoutMs: longest = Number.POSITIVE_INFINITY } = plan.limits;
  return {
    ...plan,
    cwd: folder,
    command: { argv, candidates: planCandidates(argv[0], folder, all['PATH'] ?? '') },
    env: all,
    ...(timeoutMs !== undefined && { limits: { ...plan.limits, timeoutMs: Math.min(timeoutMs, longest) } }),
  };
};

const definedOnly = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));

/** setitimer(2) counts whole microseconds, and 0 is no time limit. */
const assertTimeout = (timeoutMs: number | undefined): void => {
  if (timeoutMs === undefined || (Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= longestTimeoutMs))
    return;
  throw new SboxError({
    code: 'SBOX_E_USAGE',
    message: `cannot use ${timeoutMs} as a time limit`,
    cause: 'it is no whole number of milliseconds, or not between 1 and 2147483647',
    exitCode: exitCode.usage,
  });
};

const longestTimeoutMs = 2 ** 31 - 1;
