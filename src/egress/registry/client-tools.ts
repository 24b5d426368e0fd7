import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isWithin } from '../../domain/path.ts';

/** What runs a program outside the sandbox and gives its output; undefined if it failed. */
export type RunCommand = (program: string, args: readonly string[]) => Promise<string | undefined>;

export interface RegistryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** real paths of folders that the command can write to */
  readonly untrusted: readonly string[];
  readonly runCommand?: RunCommand;
  /** where settings of the whole machine lie; /etc if absent */
  readonly etc?: string;
}

/** What a client's settings are read with. */
export interface ClientTools {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly etc: string;
  /** the text of a file; undefined if there is none, or if the command could have written it */
  readonly read: (path: string) => string | undefined;
  /** the first program of this name along PATH that the command could not have written */
  readonly find: (name: string) => string | undefined;
  readonly run: RunCommand;
}

/** Nothing that the command could have written is read or run: it would choose the hosts, or act outside. */
export const openClientTools = ({ env, home, untrusted, runCommand, etc = '/etc' }: RegistryOptions): ClientTools => {
  const isTrusted = (path: string): boolean => !untrusted.some((folder) => isWithin(path, folder));
  const chain = (path: string): boolean => isTrusted(path) && isTrusted(realpathSync.native(path));
  return {
    env,
    home,
    etc,
    read: (path) => attempt(() => (chain(path) ? readFileSync(path, 'utf8') : undefined)),
    find: (name) =>
      (env['PATH'] ?? '')
        .split(':')
        .filter((folder) => folder.startsWith('/'))
        .map((folder) => join(folder, name))
        .find((path) => attempt(() => chain(path) && isProgram(path)) ?? false),
    run: runCommand ?? ((program, args) => runOutside(program, args, trustedPath(env, isTrusted))),
  };
};

const isProgram = (path: string): boolean => {
  accessSync(path, constants.X_OK);
  return statSync(path).isFile();
};

/** The operator's environment for a client that runs outside: PATH without what the command can write to, nothing that loads code. */
const trustedPath = (env: RegistryOptions['env'], isTrusted: (path: string) => boolean): Record<string, string> => {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !notPassed.test(entry[0]),
  );
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => {
    if (!folder.startsWith('/')) return false;
    return attempt(() => isTrusted(folder) && isTrusted(realpathSync.native(folder))) ?? false;
  });
  return { ...Object.fromEntries(kept), PATH: folders.join(':') };
};

/** What loads code or slows a start, and the project that `npm run` and `npx` name: its .npmrc would be read. */
const notPassed = /^(NODE_OPTIONS|NODE_EXTRA_CA_CERTS|NODE_PATH|LD_.*|PYTHON.*|BASH_ENV|ENV|npm_config_local_prefix)$/i;

/** In the root directory: a client that looks for settings in its folder and above finds none that the command wrote. */
const runOutside = (
  program: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile(program, [...args], { cwd: '/', env, timeout: clientTimeoutMs, maxBuffer: 1 << 20 }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
  });

const clientTimeoutMs = 20_000;

const attempt = <T>(act: () => T): T | undefined => {
  try {
    return act();
  } catch {
    return undefined;
  }
};

/** The folder that a program was installed under: `/usr` of `/usr/bin/npm`. */
export const prefixOf = (program: string): string => dirname(dirname(program));
