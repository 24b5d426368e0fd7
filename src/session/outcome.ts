import { SboxError } from '../domain/errors.ts';
import type { Plan, WatchedPath } from '../domain/plan.ts';
import type { Refusals } from '../domain/refusals.ts';
import { probeIdentity, probeNewRepositories } from '../host/protected.ts';
import { decodeStatus, type LaunchEnd, type Launched } from '../rungs/launch.ts';
import { removeTree } from '../state/remove-tree.ts';

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

/** What is told at the end of everything. */
export type Cleaning = Pick<Outcome, 'leftover' | 'refusals' | 'unlogged'>;

/** Removes a folder of the run's own; tells why it could not. */
export const removeFolder = (folder: string): Promise<{ leftover?: string }> =>
  removeTree(folder).then(
    () => ({}),
    (error: Error) => ({ leftover: `"${folder}" (${error.message})` }),
  );

/** What is told of the command. */
export type CommandEnd = Omit<Outcome, keyof Cleaning>;

/** Throws an SboxError if the command was never started, or nobody knows how it ended. */
export const outcomeOf = (end: LaunchEnd, plan: Plan, started: number, { child }: Launched): CommandEnd => {
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

/** The interpreter itself could not be started. */
export const startError = (error: NodeJS.ErrnoException, executable: string): SboxError =>
  new SboxError({
    code: 'SBOX_E_SETUP',
    message: `cannot start "${executable}": ${error.code ?? error.message}`,
    ...(startCauses[error.code ?? ''] ?? {
      cause: "a part of sbox's package is missing",
      fix: 'install sbox again: npm install -g sbox',
    }),
  });

const startCauses: Readonly<Record<string, { readonly cause: string; readonly fix: string }>> = {
  EACCES: {
    cause: 'it is not executable, or lies on a file system mounted noexec',
    fix: 'install sbox again: npm install -g sbox',
  },
  EMFILE: { cause: 'this process has too many open files', fix: 'raise the limit: ulimit -n 4096' },
  ENFILE: { cause: 'this machine has too many open files', fix: 'ask the administrator: sysctl fs.file-max' },
  EAGAIN: { cause: 'the limit of processes is reached', fix: 'raise the limit: ulimit -u' },
};
