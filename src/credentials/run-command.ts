import { execFile } from 'node:child_process';

/** Runs an argument vector outside; gives its trimmed output, or what it lacked, without anything that it printed. */
export type CommandRunner = (
  command: readonly string[],
  timeoutMs: number,
) => Promise<{ readonly value: string } | { readonly lack: string }>;

/** A runner with the operator's environment, in a folder that no agent can write to. */
export const openCommandRunner =
  (env: Readonly<Record<string, string | undefined>>, cwd: string): CommandRunner =>
  ([program = '', ...args], timeoutMs) =>
    new Promise((resolve) => {
      const options = { env: { ...env }, cwd, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 65_536 } as const;
      const child = execFile(program, args, options, (error, stdout) => {
        const value = stdout.trim();
        if (error !== null) resolve({ lack: lackOf(error, timeoutMs) });
        else resolve(value === '' ? { lack: 'printed nothing' } : { value });
      });
      child.stdin?.end();
    });

const lackOf = (error: Error & { code?: unknown; killed?: boolean; signal?: unknown }, timeoutMs: number): string => {
  if (error.code === 'ENOENT') return 'is not installed';
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'printed more than 64 KiB';
  if (error.killed === true) return `gave no answer within ${timeoutMs} ms`;
  return typeof error.code === 'number' ? `ended with status ${error.code}` : `failed: ${error.code ?? error.signal}`;
};
