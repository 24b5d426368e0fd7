import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import type { CliContext } from '../../src/cli/context.ts';
import type { ProfileRequest } from '../../src/profile/load.ts';

/** The profiles that the package ships. */
export const shippedProfilesDir = fileURLToPath(new URL('../../profiles', import.meta.url));

/** A workspace, a configuration and a state folder of one test; removed after it. */
export interface PolicyFolders {
  readonly root: string;
  readonly workspace: string;
  readonly configDir: string;
  readonly stateDir: string;
  /** writes a file below root and gives its path */
  readonly write: (path: string, content: string | Uint8Array | object) => string;
  /** writes a profile of the user's */
  readonly profile: (name: string, content: string | object) => string;
  readonly request: (changes?: Partial<ProfileRequest>) => ProfileRequest;
}

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

export const policyFolders = (): PolicyFolders => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'sbox-policy-')));
  roots.push(root);
  const [workspace, configDir, stateDir] = [join(root, 'work'), join(root, 'config'), join(root, 'state')];
  mkdirSync(workspace);
  const write: PolicyFolders['write'] = (path, content) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content),
    );
    return file;
  };
  return {
    root,
    workspace,
    configDir,
    stateDir,
    write,
    profile: (name, content) => write(`config/profiles/${name}.json`, content),
    request: (changes = {}) => ({
      names: [],
      ignoreWorkspaceConfig: false,
      workspace,
      configDir,
      stateDir,
      shippedProfilesDir,
      ...changes,
    }),
  };
};

/** A context whose output is kept. */
export const cliContext = (folders: PolicyFolders, changes: Partial<CliContext> = {}) => {
  let printed = '';
  const context: CliContext = {
    env: {},
    cwd: folders.workspace,
    home: folders.root,
    stateDir: folders.stateDir,
    configDir: folders.configDir,
    packageDir: dirname(shippedProfilesDir),
    shippedProfilesDir,
    print: (text) => {
      printed += text;
    },
    complain: () => undefined,
    color: false,
    errorColor: false,
    ...changes,
  };
  return { context, output: () => printed };
};
