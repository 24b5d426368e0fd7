import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { openOutside } from '../../domain/outside.ts';

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
  const outside = openOutside(env, untrusted, { realPath: realpathSync.native, isProgram });
  const { NODE_EXTRA_CA_CERTS: _slow, ...own } = outside.env; // every client that is a Node program would read it at its start
  return {
    env,
    home,
    etc,
    read: (path) => attempt(() => (outside.isTrusted(path) ? readFileSync(path, 'utf8') : undefined)),
    find: outside.find,
    run: runCommand ?? ((program, args) => runOutside(program, args, own)),
  };
};

const isProgram = (path: string): boolean => {
  accessSync(path, constants.X_OK);
  return statSync(path).isFile();
};

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
