import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { identityOf, type User } from './users.ts';

/** How and where a program is started. */
export interface StartOptions {
  readonly as: User;
  readonly cwd: string;
  readonly home: string;
  readonly stateHome: string;
  readonly configHome: string;
  /** beside the small environment that every case starts with; undefined takes a variable away */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** what standard input holds; an open descriptor; or `pipe`, kept open for the test (default: empty) */
  readonly stdin?: string | Uint8Array | number | 'pipe';
  /** an open descriptor instead of the pipe that the test reads */
  readonly stdout?: number;
  readonly stderr?: number;
  /** open descriptors that the program gets as 3, 4, ... */
  readonly extra?: readonly number[];
  /** in a session and process group of its own */
  readonly detached?: boolean;
  /** the program is killed and the case fails after this long */
  readonly timeoutMs?: number;
}

export interface Ended {
  /** as a shell tells it: the exit code, or 128 + n */
  readonly status: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Buffer;
  readonly stderrBytes: Buffer;
}

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** what it has written so far */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** resolves once standard output holds the text; rejects if it ends without */
  readonly says: (text: string | RegExp) => Promise<string>;
}

/** The environment that a case starts with: nothing of whoever runs the tests but where Node lies. */
export const environmentOf = (options: StartOptions): Record<string, string> => {
  const wanted: Record<string, string | undefined> = {
    PATH: [...new Set([dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'])].join(':'),
    HOME: options.home,
    XDG_STATE_HOME: options.stateHome,
    XDG_CONFIG_HOME: options.configHome,
    LANG: 'C.UTF-8',
    ...options.env,
  };
  return Object.fromEntries(
    Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
};

/** Starts a program as the user of the options. */
export const startProgram = (argv: readonly string[], options: StartOptions): Started => {
  const [program = '', ...args] = argv;
  const { uid, gid } = identityOf(options.as);
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: environmentOf(options),
    uid,
    gid,
    detached: options.detached ?? false,
    stdio: [
      typeof options.stdin === 'number' ? options.stdin : 'pipe',
      options.stdout ?? 'pipe',
      options.stderr ?? 'pipe',
      ...(options.extra ?? []),
    ],
  });
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  if (typeof options.stdin !== 'number' && options.stdin !== 'pipe') {
    child.stdin?.on('error', () => {}); // a program need not read it
    child.stdin?.end(options.stdin ?? '');
  }
  return {
    child,
    pid: child.pid ?? -1,
    ended: untilEnd(child, argv, options.timeoutMs ?? 60_000, out, err),
    stdout: () => out().toString(),
    stderr: () => err().toString(),
    says: (text) => untilSaid(child, text, out, err),
  };
};

type Collected = () => Buffer;

const collect = (stream: NodeJS.ReadableStream | null): Collected => {
  const parts: Buffer[] = [];
  stream?.on('data', (part: Buffer) => parts.push(part));
  return () => Buffer.concat(parts);
};

const untilEnd = (
  child: ChildProcess,
  argv: readonly string[],
  timeoutMs: number,
  out: Collected,
  err: Collected,
): Promise<Ended> => {
  const ended = new Promise<Ended>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`still running after ${timeoutMs} ms: ${argv.join(' ').slice(0, 300)}\n${out()}\n${err()}`));
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const [stdoutBytes, stderrBytes] = [out(), err()];
      const [stdout, stderr] = [stdoutBytes.toString(), stderrBytes.toString()];
      const status = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve({ status, code, signal, stdout, stderr, stdoutBytes, stderrBytes });
    });
  });
  ended.catch(() => {}); // whoever awaits it gets it
  return ended;
};

const untilSaid = (child: ChildProcess, text: string | RegExp, out: Collected, err: Collected): Promise<string> =>
  new Promise((resolve, reject) => {
    const look = (): boolean => {
      const said = out().toString();
      const found = typeof text === 'string' ? said.includes(text) : text.test(said);
      if (found) resolve(said);
      return found;
    };
    if (look()) return;
    child.stdout?.on('data', look);
    child.on('close', () => look() || reject(new Error(`ended without saying ${text}: ${out()}\n${err()}`)));
  });
