import type { EgressEvent } from '../domain/decision.ts';
import type { Facts } from '../domain/facts.ts';
import type { Plan } from '../domain/plan.ts';
import type { Launched, Stdio } from '../rungs/launch.ts';
import { type StartFacts, startCommand } from '../rungs/start.ts';
import { openUse } from '../state/use.ts';
import { openRunAudit } from './audit.ts';
import { type Base, openBase } from './base.ts';
import { openSessionCredentials } from './credentials.ts';
import { openAdvisory, openSandboxNetwork, publishPorts, type SandboxNetwork } from './network.ts';
import { type Cleaning, type CommandEnd, outcomeOf, removeFolder, startError } from './outcome.ts';
import { prepareState } from './prepare.ts';
import { openEarlyUse } from './shown-files.ts';
import { assertStreams } from './streams.ts';

export type { Stdio } from '../rungs/launch.ts';

/** One command of a sandbox. */
export interface SandboxCommand {
  /** its supervisor, whose streams are the command's */
  readonly child: Launched['child'];
  /** true once the command is about to run; false if it can't */
  readonly ready: Promise<boolean>;
  /** Rejects with an SboxError if the command could not be started. Settles once its streams are closed, too. */
  readonly ended: Promise<CommandEnd>;
  /** passes a signal on to the command; SIGKILL ends it with all that it has started */
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** A sandbox in which commands are started, one after the other or beside each other. */
export interface OpenSandbox {
  /** Starts a command; the plan is the sandbox's with another command. Throws an SboxError if the streams can't be handed over. */
  readonly start: (plan: Plan, stdio: Stdio) => SandboxCommand;
  /** Ends what still runs and removes what is ephemeral; tells what could not be removed or written. */
  readonly close: () => Promise<Omit<Cleaning, 'refusals'>>;
}

export interface SandboxOptions {
  /** the interpreter's executable */
  readonly executable: string;
  /** told of every decision on what leaves the sandbox, when the connection has ended */
  readonly onDecision?: (event: EgressEvent) => void;
}

type SandboxFacts = Pick<Facts, 'arch' | 'capabilities' | 'env' | 'home' | 'stateDir'>;

/**
 * Makes all that the commands of a sandbox share, so that a command makes its process and its confinement alone. Throws an SboxError,
 * and leaves nothing behind then.
 */
export const openSandbox = async (plan: Plan, facts: SandboxFacts, options: SandboxOptions): Promise<OpenSandbox> => {
  const folder = plan.sandbox.ephemeral ? plan.sandbox.folder : plan.runFolder;
  const cleanUp = async () => (folder === undefined ? {} : await removeFolder(folder));
  let use: Disposable | undefined;
  try {
    await prepareState(plan);
    use = openEarlyUse(plan);
    return await openPrepared(plan, facts, options, { cleanUp, early: use });
  } catch (error) {
    use?.[Symbol.dispose]();
    await cleanUp();
    throw error;
  }
};

const openPrepared = async (
  plan: Plan,
  facts: SandboxFacts,
  options: SandboxOptions,
  { cleanUp, early }: { cleanUp: () => Promise<{ leftover?: string }>; early: Disposable | undefined },
): Promise<OpenSandbox> => {
  const host = { arch: facts.arch, landlockAbi: facts.capabilities.landlockAbi };
  const shared = await openShared(plan, facts, host, options);
  const { base, network, added } = shared;
  const use = early ?? openUse(plan.sandbox.folder);
  const running = new Set<SandboxCommand>();
  const start = (next: Plan, stdio: Stdio): SandboxCommand => {
    assertStreams(stdio);
    const env = { ...next.env, ...added };
    const own = { ...next, env, network: { ...next.network, publish: [] } }; // published ports are the base's to serve
    const startedAt = Date.now();
    const launched = startCommand(own, host, options.executable, { stdio, namespaces: base.namespaces });
    const command = follow(launched, own, startedAt, { executable: options.executable, network });
    running.add(command);
    const gone = (): void => void running.delete(command);
    command.ended.then(gone, gone);
    return command;
  };
  const close = async (): Promise<Omit<Cleaning, 'refusals'>> => {
    const last = [...running];
    for (const { kill } of last) kill('SIGKILL');
    await Promise.allSettled(last.map(({ ended }) => ended));
    use[Symbol.dispose]();
    const unlogged = await shared.close();
    return { ...(await cleanUp()), ...(unlogged !== undefined && { unlogged }) };
  };
  return { start, close };
};

interface Shared {
  readonly base: Base;
  readonly network: SandboxNetwork | undefined;
  /** placeholders, and the proxy's address where that is known by variables alone */
  readonly added: Plan['env'];
  /** tells what could not be written down */
  readonly close: () => Promise<string | undefined>;
}

/** What its commands share of the network and of namespaces. */
const openShared = async (
  plan: Plan,
  facts: SandboxFacts,
  host: StartFacts,
  { executable, onDecision }: SandboxOptions,
): Promise<Shared> => {
  const named = { ...plan, command: { argv: ['createSandbox'], candidates: [] } } as const;
  const audit = openRunAudit(named, facts.stateDir, Date.now());
  const onEvent = (event: EgressEvent): void => {
    audit.decided(event);
    onDecision?.(event);
  };
  const problems: string[] = [];
  const credentials = await openSessionCredentials(plan, facts, (sentence) => void problems.push(sentence));
  const published = await publishPorts(plan);
  const context = { facts, executable, onEvent, ...(published && { published }), ...(credentials && { credentials }) };
  const network = plan.broker ? openSandboxNetwork(plan, context) : undefined;
  const advisory = await openAdvisory(plan, context);
  const base = await openBase(plan, host, executable).catch(async (error) => {
    await advisory?.[Symbol.asyncDispose]();
    await published?.[Symbol.asyncDispose]();
    throw error;
  });
  credentials?.complete();
  if (base.serving) network?.follow(base.serving, 'inside');
  const close = async (): Promise<string | undefined> => {
    await network?.[Symbol.asyncDispose]();
    await advisory?.[Symbol.asyncDispose]();
    await base[Symbol.asyncDispose]();
    audit.ended({ exitCode: 0, timedOut: false });
    audit[Symbol.dispose]();
    return [...problems, audit.failure()].filter((text) => text !== undefined).join('; ') || undefined;
  };
  const proxied = advisory && Object.fromEntries(Object.entries(advisory.env).filter(([name]) => /proxy/i.test(name)));
  return { base, network, added: { ...credentials?.added, ...proxied }, close };
};

interface Following {
  readonly executable: string;
  readonly network: SandboxNetwork | undefined;
}

const follow = (
  launched: Launched,
  plan: Plan,
  started: number,
  { executable, network }: Following,
): SandboxCommand => {
  network?.follow(launched, 'run');
  const { child, ready } = launched;
  const ended = launched.ended.then(
    (end) => outcomeOf(end, plan, started, launched),
    (error: NodeJS.ErrnoException) => {
      throw startError(error, executable);
    },
  );
  ended.catch(() => {}); // whoever awaits it gets it; nobody may
  return { child, ready, ended, kill: (signal) => void child.kill(signal) };
};
