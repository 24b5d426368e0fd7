import { execFile } from 'node:child_process';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { openOutside } from '../domain/outside.ts';

/** Runs an argument vector outside; gives its trimmed output, or what it lacked, without anything that it printed. */
export type CommandRunner = (
  command: readonly string[],
  timeoutMs: number,
) => Promise<{ readonly value: string } | { readonly lack: string }>;

/**
 * A runner with the operator's environment, in the root directory: no program that the command could have written is run, by name or by path.
 * `untrusted`: real paths of folders that it can write to.
 */
export const openCommandRunner = (
  env: Readonly<Record<string, string | undefined>>,
  untrusted: readonly string[],
): CommandRunner => {
  const look = { realPath: realpathSync.native, isProgram };
  const outside = openOutside(env, untrusted, look);
  return ([program = '', ...args], timeoutMs) => {
    const found = outside.find(program);
    if (found === undefined) {
      const planted = openOutside(env, [], look).find(program);
      const lack =
        planted === undefined ? 'is not installed' : `lies where a sandbox's command can write ("${planted}")`;
      return Promise.resolve({ lack });
    }
    const options = {
      env: outside.env,
      cwd: '/',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: 65_536,
    } as const;
    return new Promise((resolve) => {
      const child = execFile(found, args, options, (error, stdout) => {
        const value = stdout.trim();
        if (error !== null) resolve({ lack: lackOf(error, timeoutMs) });
        else resolve(value === '' ? { lack: 'printed nothing' } : { value });
      });
      child.stdin?.end();
    });
  };
};

const isProgram = (path: string): boolean => {
  accessSync(path, constants.X_OK);
  return statSync(path).isFile();
};

const lackOf = (error: Error & { code?: unknown; killed?: boolean; signal?: unknown }, timeoutMs: number): string => {
  if (error.code === 'ENOENT') return 'is not installed';
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'printed more than 64 KiB';
  if (error.killed === true) return `gave no answer within ${timeoutMs} ms`;
  return typeof error.code === 'number' ? `ended with status ${error.code}` : `failed: ${error.code ?? error.signal}`;
};
