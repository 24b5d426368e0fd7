import { closeSync, openSync } from 'node:fs';
import { SboxError } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';
import type { Launched } from '../rungs/launch.ts';
import { baseServes, baseWord } from '../rungs/program/base.ts';
import { sharedNamespaces } from '../rungs/program/namespaces.ts';
import { type StartFacts, startBase } from '../rungs/start.ts';
import { startError } from './outcome.ts';

/** What the commands of one sandbox share. */
export interface Base extends AsyncDisposable {
  /** open descriptors of the namespaces that a command joins, in the order that the rung wants them */
  readonly namespaces: readonly number[];
  /** its process, where one has to live on to serve the sandbox's network */
  readonly serving?: Launched;
}

/**
 * Makes it. The namespaces live as long as these descriptors or a command; so nothing is left of them when this process ends, however
 * it ends. Throws an SboxError.
 */
export const openBase = async (plan: Plan, facts: StartFacts, executable: string): Promise<Base> => {
  const launched = startBase(plan, facts, executable);
  if (!(await launched.ready)) throw await failureOf(launched, executable);
  const end = (): void => void launched.child.kill('SIGKILL');
  const namespaces: number[] = [];
  const close = (): void => {
    for (const descriptor of namespaces.splice(0)) closeSync(descriptor);
  };
  try {
    for (const name of sharedNamespaces(plan)) namespaces.push(openSync(`/proc/${launched.child.pid}/ns/${name}`, 'r'));
  } catch (error) {
    close();
    end();
    throw closedNamespaces(error as NodeJS.ErrnoException);
  }
  const serves = baseServes(plan);
  if (serves) letServe(launched);
  else end();
  return {
    namespaces,
    ...(serves && { serving: launched }),
    async [Symbol.asyncDispose]() {
      close();
      await (serves ? endServing(launched) : launched.ended);
    },
  };
};

/** It waits for a word before it goes out of the launcher's reach; it does not keep this process alive. */
const letServe = (launched: Launched): void => {
  launched.brokers[1]?.write(Buffer.alloc(baseWord));
  for (const { unref } of handlesOf(launched)) unref();
};

const endServing = async (launched: Launched): Promise<void> => {
  for (const { ref } of handlesOf(launched)) ref();
  launched.child.kill('SIGKILL');
  await launched.ended;
};

/** All that keeps the event loop of this process alive for a child. */
const handlesOf = ({ child }: Launched) =>
  [child, child.channel, ...child.stdio].flatMap((handle) => {
    const one = handle as { ref?: () => void; unref?: () => void } | null | undefined;
    return one?.ref && one.unref ? [{ ref: () => one.ref?.(), unref: () => one.unref?.() }] : [];
  });

const failureOf = async (launched: Launched, executable: string): Promise<Error> => {
  const end = await launched.ended.catch((error: NodeJS.ErrnoException) => startError(error, executable));
  if (end instanceof Error) return end;
  if (end.kind === 'failure') return end.error;
  return new SboxError({
    code: 'SBOX_E_SETUP',
    message: 'cannot make the sandbox: it was killed meanwhile',
    cause: 'something outside the sandbox killed it, such as the out-of-memory killer',
    fix: 'look into: dmesg | tail',
  });
};

const closedNamespaces = ({ code, message }: NodeJS.ErrnoException): SboxError =>
  new SboxError({
    code: 'SBOX_E_SETUP',
    message: `cannot open the namespaces of the sandbox: ${code ?? message}`,
    cause: code === 'EMFILE' ? 'this process has too many open files' : 'a security module keeps /proc/PID/ns closed',
    fix:
      code === 'EMFILE'
        ? 'raise the limit (ulimit -n), or dispose of sandboxes that are done'
        : 'use the rung "landlock"',
  });
