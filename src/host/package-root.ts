import { baseOf, isWithin, parentOf } from '../domain/path.ts';

/** What the rules below ask about the host. */
export interface Look {
  readonly isDirectory: (path: string) => boolean;
  readonly exists: (path: string) => boolean;
  readonly home: string;
}

/** What has to be visible for a program to run. */
export interface PackageRoots {
  readonly roots: readonly { readonly path: string; readonly kind: 'file' | 'dir' }[];
}

/**
 * The smallest part of the host that a program outside the system directories belongs to; `file` is its real path. From the
 * narrowest rule to the widest:
 *
 * 1. in a node_modules folder: its package;
 * 2. in a virtual environment (PEP 405): that;
 * 3. in the shims of a version manager (pyenv, asdf, mise, volta, nodenv…): the manager's folder;
 * 4. in the bin folder of a tree of its own (nvm, an unpacked toolchain): that tree;
 * 5. anything else: the file alone.
 *
 * A folder that is shared with other things (HOME, ~/.local, /opt, a tree with credentials) is never taken whole.
 */
export const findPackageRoot = (file: string, look: Look): PackageRoots => {
  const root = inNodeModules(file) ?? inVirtualEnvironment(file, look) ?? inShims(file, look) ?? inOwnTree(file, look);
  if (root !== undefined && !isShared(root, look)) return { roots: [{ path: root, kind: 'dir' }] };
  const rustup = below(look.home, '.rustup');
  const alone = { path: file, kind: 'file' } as const;
  if (parentOf(file) === below(look.home, '.cargo/bin') && look.isDirectory(rustup))
    return { roots: [alone, { path: rustup, kind: 'dir' }] };
  return { roots: [alone] };
};

/** The tree that a PATH entry belongs to as a whole, if it does (rules 2 to 4); otherwise its programs are followed one by one. */
export const findTreeOfBin = (folder: string, look: Look): string | undefined => {
  const program = below(folder, 'x');
  const root = inVirtualEnvironment(program, look) ?? inShims(program, look) ?? inOwnTree(program, look);
  return root !== undefined && !isShared(root, look) ? root : undefined;
};

const inNodeModules = (file: string): string | undefined =>
  /^(.*?\/node_modules\/(?:@[^/]+\/)?[^/.@][^/]*)\//.exec(file)?.[1];

const inVirtualEnvironment = (file: string, look: Look): string | undefined => {
  const root = parentOf(parentOf(file));
  return look.exists(below(root, 'pyvenv.cfg')) ? root : undefined;
};

const inShims = (file: string, look: Look): string | undefined => {
  const folder = parentOf(file);
  const root = parentOf(folder);
  const managed = ['versions', 'installs', 'tools'].some((name) => look.isDirectory(below(root, name)));
  return managed && (baseOf(folder) === 'shims' || baseOf(folder) === 'bin') ? root : undefined;
};

const inOwnTree = (file: string, look: Look): string | undefined => {
  const folder = parentOf(file);
  if (!['bin', 'sbin', 'Scripts'].includes(baseOf(folder))) return undefined;
  const root = parentOf(folder);
  return ['lib', 'lib64', 'libexec', 'jmods', 'pkg'].some((name) => look.isDirectory(below(root, name)))
    ? root
    : undefined;
};

/** Folders below HOME and the root that hold much else, credentials for one. */
const sharedInHome = new Set([
  '',
  '.local',
  '.local/share',
  '.local/state',
  '.config',
  '.cache',
  '.cargo',
  '.docker',
  '.npm-global',
  'go',
  'bin',
  '.npm',
  '.ssh',
  '.gnupg',
  '.aws',
  '.azure',
  '.kube',
  '.pulumi',
  '.terraform.d',
  '.password-store',
  '.mozilla',
]);
const shared = new Set([
  '/',
  '/opt',
  '/home',
  '/root',
  '/srv',
  '/var',
  '/mnt',
  '/media',
  '/tmp',
  '/run',
  '/usr',
  '/usr/local',
  '/etc',
]);

/** A source tree is work, not a tool. */
const workTreeMarks = ['.git', '.hg', '.svn', '.env', '.envrc'];

const isShared = (folder: string, look: Look): boolean =>
  isWithin(look.home, folder) ||
  shared.has(folder) ||
  (isWithin(folder, look.home) && sharedInHome.has(folder.slice(look.home.length).replace(/^\//, ''))) ||
  (workTreeMarks.some((name) => look.exists(below(folder, name))) && !look.exists(below(folder, 'versions')));

/** A path in a folder. On the way of every start: node:path's join takes ten times as long. */
const below = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`);
