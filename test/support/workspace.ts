import { execFileSync } from 'node:child_process';
import { chownSync, lchownSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { identityOf, type User, users } from './users.ts';

/** One user's disposable world: a HOME, a workspace and the XDG folders, all owned by that user. */
export interface Workspace {
  readonly as: User;
  /** the folder that holds all of the others */
  readonly base: string;
  /** the workspace itself */
  readonly cwd: string;
  readonly home: string;
  /** XDG_STATE_HOME; sbox's own state is in its folder `sbox` */
  readonly stateHome: string;
  /** XDG_CONFIG_HOME */
  readonly configHome: string;
  /** writes a file, below the workspace if relative, owned by the user, and gives its path */
  readonly write: (path: string, content: string | Uint8Array, mode?: number) => string;
  readonly mkdir: (path: string) => string;
  readonly link: (target: string, path: string) => string;
}

const bases: string[] = [];
afterAll(() => {
  // rm, and not Node's own: it never goes down into what a test may have mounted there by mistake
  const made = bases.splice(0);
  if (made.length === 0) return;
  execFileSync('chmod', ['-R', 'u+rwX', '--', ...made], { stdio: 'ignore' }); // cases leave folders without any permission
  execFileSync('rm', ['-rf', '--one-file-system', '--', ...made]);
});

/** Makes a workspace; it is removed after the test file. `name` is the workspace folder's own name. */
export const aWorkspace = (as: User = users[0] ?? 'user', name = 'work'): Workspace => {
  const { uid, gid } = identityOf(as);
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'sbox-test-')));
  bases.push(base);
  chownSync(base, uid, gid);
  const folder = (path: string): string => {
    const missing = mkdirSync(path, { recursive: true });
    for (let made = path; missing !== undefined && made.length >= missing.length; made = dirname(made)) {
      chownSync(made, uid, gid);
    }
    return path;
  };
  const below = (path: string) => (path.startsWith('/') ? path : join(base, name, path));
  return {
    as,
    base,
    cwd: folder(join(base, name)),
    home: folder(join(base, 'home')),
    stateHome: folder(join(base, 'state')),
    configHome: folder(join(base, 'config')),
    write: (path, content, mode = 0o644) => {
      const file = below(path);
      folder(dirname(file));
      writeFileSync(file, content, { mode });
      chownSync(file, uid, gid);
      return file;
    },
    mkdir: (path) => folder(below(path)),
    link: (target, path) => {
      folder(dirname(below(path)));
      symlinkSync(target, below(path));
      lchownSync(below(path), uid, gid);
      return below(path);
    },
  };
};
