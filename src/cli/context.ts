import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { exitCode, SboxError } from '../domain/errors.ts';

/** What a command may know of the process that it runs in. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** absolute, without links */
  readonly cwd: string;
  readonly home: string;
  /** $XDG_STATE_HOME/sbox */
  readonly stateDir: string;
  /** set if the state lies elsewhere than it should, and why */
  readonly stateNote?: string;
  /** $XDG_CONFIG_HOME/sbox */
  readonly configDir: string;
  /** the folder of sbox's package */
  readonly packageDir: string;
  /** the package's profiles/ */
  readonly shippedProfilesDir: string;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** whether `print` and `complain` go to a terminal that wants colour */
  readonly color: boolean;
  readonly errorColor: boolean;
}

/** The context of this process (throws an SboxError); folders after the XDG Base Directory Specification, which has relative ones ignored. */
export const openContext = (packageDir: string): CliContext => {
  const { env } = process;
  const home = findHome(env['HOME']);
  const wantsColor = (fd: number) => env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb' && isatty(fd);
  const base = (name: string, fallback: string) => (env[name]?.startsWith('/') ? env[name] : join(home, fallback));
  return {
    env,
    cwd: findCwd(),
    home,
    ...findStateDir(env['XDG_STATE_HOME'], home),
    configDir: realPath(join(base('XDG_CONFIG_HOME', '.config'), 'sbox')),
    packageDir,
    shippedProfilesDir: join(packageDir, 'profiles'),
    print: (text) => process.stdout.write(text),
    complain: (text) => process.stderr.write(text),
    color: wantsColor(1),
    errorColor: wantsColor(2),
  };
};

/** HOME as the operator spells it; without one, that of the user database. Throws an SboxError. */
const findHome = (home: string | undefined): string => {
  if (home?.startsWith('/')) return home.replace(/(?<=.)\/+$/, '');
  const fix = 'name it: HOME=/path/to/home sbox …';
  if (home !== undefined && home !== '') {
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: `cannot use HOME "${home}": it is not an absolute path`,
      fix,
      exitCode: exitCode.usage,
    });
  }
  try {
    return userInfo().homedir;
  } catch {
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: 'cannot find your home: HOME is not set, and the user database does not know you',
      fix,
      exitCode: exitCode.usage,
    });
  }
};

const findCwd = (): string => {
  try {
    return process.cwd();
  } catch (error) {
    throw new SboxError({
      code: 'SBOX_E_WORKSPACE',
      message: `cannot use the current directory: ${(error as NodeJS.ErrnoException).code}`,
      cause: 'it was removed, or one above it is closed to you',
      fix: 'cd to the folder of a project',
      exitCode: exitCode.usage,
    });
  }
};

/** The state directory; where HOME can't be written, as in a pod with a read-only root, one for this user below /tmp. */
const findStateDir = (wanted: string | undefined, home: string): { stateDir: string; stateNote?: string } => {
  if (wanted?.startsWith('/')) return { stateDir: realPath(join(wanted, 'sbox')) };
  const stateDir = realPath(join(home, '.local/state', 'sbox'));
  if (canMake(stateDir)) return { stateDir };
  const instead = `/tmp/sbox-${process.getuid?.()}`;
  return {
    stateDir: instead,
    stateNote: `HOME ("${home}") can't be written, so state is kept in "${instead}"; XDG_STATE_HOME names another place`,
  };
};

/** A path without links, also one whose end does not exist yet: it is compared with the real paths of mounts. */
const realPath = (path: string): string => {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
};

const canMake = (path: string): boolean => {
  let existing = path;
  while (!existsSync(existing) && existing !== '/') existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};
