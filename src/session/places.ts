import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { exitCode, SboxError } from '../domain/errors.ts';

/** Folders of the operator's, after the XDG Base Directory Specification, which has relative ones ignored. */
export interface Places {
  readonly home: string;
  /** $XDG_STATE_HOME/sbox */
  readonly stateDir: string;
  /** set if the state lies elsewhere than it should, and why */
  readonly stateNote?: string;
  /** $XDG_CONFIG_HOME/sbox */
  readonly configDir: string;
}

/** The places that an environment names. Throws an SboxError. */
export const findPlaces = (env: Readonly<Record<string, string | undefined>>): Places => {
  const home = findHome(env['HOME']);
  const config = env['XDG_CONFIG_HOME'];
  const configHome = config?.startsWith('/') ? config : join(home, '.config');
  return { home, ...findStateDir(env['XDG_STATE_HOME'], home), configDir: realPath(join(configHome, 'sbox')) };
};

/** The real path of a folder to work in, as it was named from `cwd`. Throws an SboxError. */
export const findWorkspace = (folder: string, cwd: string): string => {
  try {
    return realpathSync.native(resolve(cwd, folder));
  } catch (error) {
    throw new SboxError({
      code: 'SBOX_E_WORKSPACE',
      message: `cannot use "${folder}" as the workspace: ${(error as NodeJS.ErrnoException).code}`,
      fix: `mkdir -p "${resolve(cwd, folder)}"`,
      exitCode: exitCode.usage,
    });
  }
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
export const realPath = (path: string): string => {
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
