import { EventEmitter } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { SandboxCommand } from '../session/sandbox.ts';

/** How a command ended. */
export interface CommandEnd {
  /** null if a signal ended it */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** protected paths that are not what they were when the sandbox was made: read them before a program outside obeys them */
  readonly changed: readonly string[];
}

interface Events {
  /** the command is about to run */
  spawn: [];
  /** it could not be started; the event is left out where nobody listens, `ended` tells it, too */
  error: [error: Error];
  exit: [exitCode: number | null, signal: NodeJS.Signals | null];
  close: [exitCode: number | null, signal: NodeJS.Signals | null];
}

/** A command in a sandbox, with what a ChildProcess of Node's has. */
export class SandboxProcess extends EventEmitter<Events> {
  /** of its supervisor outside: a signal to it reaches the command */
  readonly pid: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Settles once the command has ended and its streams are closed; rejects with an SboxError if it could not be started. */
  readonly ended: Promise<CommandEnd>;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  killed = false;
  readonly #command: SandboxCommand;
  #over = false;

  constructor(command: SandboxCommand, signal?: AbortSignal) {
    super();
    this.#command = command;
    const { child } = command;
    this.pid = child.pid;
    [this.stdin, this.stdout, this.stderr] = [child.stdin, child.stdout, child.stderr];
    this.stdin?.on('error', () => {}); // a command need not read it
    void command.ready.then((made) => made && this.emit('spawn'));
    const abort = (): void => void this.kill('SIGKILL');
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    this.ended = this.#follow().finally(() => signal?.removeEventListener('abort', abort));
    this.ended.catch(() => {}); // whoever awaits it gets it; nobody may
  }

  /**
   * Sends a signal to the command; SIGKILL ends it at once with all that it has started. False if it has ended already. Before the
   * command runs, the signal waits for it.
   */
  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    if (this.#over) return false;
    this.killed = true;
    if (signal === 'SIGKILL') this.#command.kill(signal);
    else void this.#command.ready.then((made) => made && this.#command.kill(signal));
    return true;
  }

  async #follow(): Promise<CommandEnd> {
    try {
      const { exitCode, signal = null, timedOut, changed } = await this.#command.ended;
      this.exitCode = signal === null ? exitCode : null;
      this.signalCode = signal;
      return { exitCode: this.exitCode, signal, timedOut, changed };
    } catch (error) {
      if (this.listenerCount('error') > 0) this.emit('error', error as Error);
      throw error;
    } finally {
      this.#over = true;
      this.#tell();
    }
  }

  #tell(): void {
    const end = [this.exitCode, this.signalCode] as const;
    if (this.exitCode !== null || this.signalCode !== null) this.emit('exit', ...end);
    this.emit('close', ...end);
  }
}
