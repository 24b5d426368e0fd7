import { EventEmitter } from 'node:events';
import type { EgressEvent } from '../domain/decision.ts';
import { exitCode, SboxError } from '../domain/errors.ts';
import type { Mechanism, Plan } from '../domain/plan.ts';
import type { Property } from '../domain/property.ts';
import type { RungName } from '../domain/rung.ts';
import { planNext } from '../plan/next.ts';
import type { OpenSandbox, Stdio } from '../session/sandbox.ts';
import { collectOutput, type ExecResult } from './exec.ts';
import { SandboxProcess } from './process.ts';

export interface CommandOptions {
  /** absolute, or relative to the workspace, which it is if absent */
  readonly cwd?: string;
  /** beside the sandbox's variables; undefined takes one away */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** SIGTERM after this long, and five seconds later the end of all that the command has started */
  readonly timeoutMs?: number;
  /** its abortion ends the command at once with all that it has started */
  readonly signal?: AbortSignal;
}

export interface SpawnOptions extends CommandOptions {
  /** for each standard stream or for all; `pipe` if absent */
  readonly stdio?: StdioValue | readonly [StdioValue, StdioValue, StdioValue];
}

export type StdioValue = 'pipe' | 'inherit' | 'ignore' | number;

export interface ExecOptions extends CommandOptions {
  /** what standard input holds; it is empty if absent */
  readonly input?: string | Uint8Array;
  /** the most bytes of either stream: one more ends the command, and `exec` rejects; 64 MiB if absent */
  readonly maxBuffer?: number;
  /** of the result; `utf8` if absent */
  readonly encoding?: BufferEncoding | 'buffer';
}

/** What a sandbox promises here. */
export interface SandboxReport {
  readonly name: string;
  readonly workspace: string;
  /** HOME as the commands see it */
  readonly home: string;
  readonly rung: RungName;
  readonly mechanism: Mechanism;
  readonly properties: readonly Property[];
  readonly notes: readonly string[];
}

interface Events {
  /** what was asked of the network, what was decided, and what became of it: told when the connection has ended */
  decision: [event: EgressEvent];
}

/**
 * A sandbox that many commands are started in. They share its files (HOME, /tmp, /dev/shm), its network with a loopback of its own,
 * System V IPC and its rules; each has processes of its own, which no other command sees and which end with it.
 */
export class Sandbox extends EventEmitter<Events> implements AsyncDisposable {
  readonly report: SandboxReport;
  readonly #plan: Plan;
  readonly #open: OpenSandbox;
  #closed: Promise<void> | undefined;

  constructor(plan: Plan, open: OpenSandbox) {
    super();
    this.#plan = plan;
    this.#open = open;
    const { sandbox, workspace, home, rung, mechanism, properties, notes } = plan;
    this.report = { name: sandbox.name, workspace, home, rung, mechanism, properties, notes };
  }

  /** Starts a command; its name is looked for on the sandbox's PATH. Throws an SboxError for what can't be started at all. */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): SandboxProcess {
    this.#assertOpen();
    const { stdio = 'pipe', signal, ...next } = options;
    assertWords([command, ...args], options.env, stdio);
    const plan = planNext(this.#plan, { argv: [command, ...args], ...next });
    return new SandboxProcess(this.#open.start(plan, spread(stdio)), signal);
  }

  /** Runs a command to its end. Rejects with an SboxError if it can't be started, and with the signal's reason if it is aborted. */
  exec(
    command: string,
    args: readonly string[] | undefined,
    options: ExecOptions & { readonly encoding: 'buffer' },
  ): Promise<ExecResult<Buffer>>;
  exec(
    command: string,
    args?: readonly string[],
    options?: ExecOptions & { readonly encoding?: BufferEncoding },
  ): Promise<ExecResult<string>>;
  async exec(
    command: string,
    args: readonly string[] = [],
    options: ExecOptions = {},
  ): Promise<ExecResult<string | Buffer>> {
    const { input, maxBuffer = defaultMaxBuffer, encoding = 'utf8', ...rest } = options;
    rest.signal?.throwIfAborted();
    const started = this.spawn(command, args, {
      ...rest,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    return await collectOutput(started, { input, maxBuffer, encoding, signal: rest.signal });
  }

  /** Ends every command and removes what is ephemeral. Rejects with an SboxError if something of it could not be removed. */
  dispose(): Promise<void> {
    this.#closed ??= this.#open.close().then(assertClean);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #assertOpen(): void {
    if (this.#closed === undefined) return;
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: `cannot start a command in "${this.report.name}": the sandbox was disposed of`,
      fix: 'make another one with createSandbox',
      exitCode: exitCode.usage,
    });
  }
}

const defaultMaxBuffer = 64 * 1024 * 1024;

/** A program in JavaScript has no compiler that would tell it. */
const assertWords = (argv: readonly unknown[], env: SpawnOptions['env'], stdio: unknown): void => {
  const words = [...argv, ...Object.values(env ?? {}).filter((value) => value !== undefined)];
  const wrong = words.find((word) => typeof word !== 'string');
  if (wrong !== undefined) throw refuse(`arguments and variables are strings, not ${typeof wrong}`);
  const streams = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  const known = (value: unknown) =>
    value === 'pipe' || value === 'inherit' || value === 'ignore' || isDescriptor(value);
  if (streams.length !== 3 || !streams.every(known))
    throw refuse('stdio is "pipe", "inherit", "ignore" or a descriptor, or a list of three of them');
};

const isDescriptor = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 0;

const refuse = (what: string): SboxError =>
  new SboxError({ code: 'SBOX_E_USAGE', message: `cannot start the command: ${what}`, exitCode: exitCode.usage });

const spread = (stdio: NonNullable<SpawnOptions['stdio']>): Stdio =>
  typeof stdio === 'object' ? stdio : [stdio, stdio, stdio];

const assertClean = ({ leftover, unlogged }: { leftover?: string; unlogged?: string }): void => {
  const cause = leftover === undefined ? unlogged : `could not remove ${leftover}`;
  if (cause !== undefined)
    throw new SboxError({ code: 'SBOX_E_STATE', message: 'cannot clean up behind the sandbox', cause });
};
