import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProtectedPath, ProtectedTree } from '../domain/facts.ts';
import { isWithin, resolvePath } from '../domain/path.ts';
import { parseGitConfig } from './git-config.ts';

/** Which protected paths the writable trees have, those of their repositories included. */
export const probeProtected = (roots: readonly string[], declared: readonly string[], deep: boolean): ProtectedTree[] =>
  roots.filter((root) => lstatQuietly(root)?.isDirectory()).map((root) => probeTree(root, declared, deep));

const probeTree = (root: string, declared: readonly string[], deep: boolean): ProtectedTree => {
  const existing = new Map<string, ProtectedPath>();
  const missing: string[] = [];
  for (const path of new Set([...declared, ...probeRepository(root)])) {
    const found = lstatBelow(root, path);
    if (found) existing.set(found.path, { ...found, identity: probeIdentity(join(root, found.path), deep) ?? '' });
    else missing.push(path);
  }
  return { root, existing: [...existing.values()], missing };
};

/** The first component that is a link stands for the whole path: what lies behind it is not the tree's. */
const lstatBelow = (root: string, path: string): Omit<ProtectedPath, 'identity'> | undefined => {
  const names = path.split('/');
  for (let depth = 1; depth <= names.length; depth++) {
    const part = names.slice(0, depth).join('/');
    const entry = lstatQuietly(join(root, part));
    if (!entry) return undefined;
    const last = depth === names.length;
    if (entry.isSymbolicLink()) return { path: part, kind: 'link', names: 1 };
    if (last && entry.isDirectory()) return { path, kind: 'dir', names: 1 };
    if (last) return { path, kind: 'file', names: entry.nlink };
    if (!entry.isDirectory()) return undefined;
  }
  return undefined;
};

/** A directory of more entries than this is told apart by its own times alone. */
const maxEntries = 200;

/**
 * Tells whether a path still is what it was, and of a directory whether names came or went; with `deep` also whether a file in it was
 * changed, where nothing keeps it from that.
 */
export const probeIdentity = (path: string, deep: boolean): string | undefined => {
  const entry = lstatQuietly(path);
  if (entry === undefined) return undefined;
  if (!deep || !entry.isDirectory()) return identityOf(entry);
  const names = readdirQuietly(path).slice(0, maxEntries).sort();
  return [identityOf(entry), ...names.map((name) => probeIdentity(join(path, name), false) ?? '')].join(' ');
};

/** Nothing where there is nothing, or where a component above is a file or closed to this user. */
const lstatQuietly = (path: string): Stats | undefined => {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
};

/** The time of the last change of status can't be set back, unlike that of the content (utimensat(2)). */
const identityOf = ({ dev, ino, size, ctimeMs }: Stats): string => [dev, ino, size, ctimeMs].join(':');

/** What makes the host's git run a program, or look for its settings elsewhere, in a git folder (gitrepository-layout(5)). */
const settingsOfGitFolder = ['hooks', 'config', 'config.worktree', 'commondir', 'gitdir'];

/** A tree with more submodules and work trees than this has the rest unprotected; each costs the start some calls. */
const maxGitFolders = 200;

/** Paths of a tree's repository, relative to it: its own settings, its submodules', its linked work trees'. */
const probeRepository = (root: string): string[] => {
  const main = findGitFolder(root);
  if (main === undefined) return ['.git'];
  const below = [...probeGitFolders(root, `${main}/modules`, 6), ...probeGitFolders(root, `${main}/worktrees`, 1)];
  const folders = [main, ...below.slice(0, maxGitFolders)];
  return [
    ...(main === '.git' ? [] : ['.git']),
    ...folders.flatMap(settingsOf),
    ...folders.flatMap((folder) => probeConfigured(root, folder)),
  ];
};

/** The folder of the tree's repository: `.git`, or what that file names if it lies in the tree (gitrepository-layout(5)). */
const findGitFolder = (root: string): string | undefined => {
  const dotGit = lstatQuietly(join(root, '.git'));
  if (dotGit?.isDirectory()) return '.git';
  const named = /^gitdir: (.+?)\s*$/.exec(readRegularFile(join(root, '.git')))?.[1];
  const path = named === undefined ? root : resolvePath(root, named);
  return path !== root && isWithin(path, root) ? path.slice(root.length + 1) : undefined;
};

const settingsOf = (folder: string): string[] => settingsOfGitFolder.map((name) => `${folder}/${name}`);

/** Files that a configuration includes are read this many levels deep. */
const maxIncludes = 5;

/** What the configurations of a git folder name in the tree. */
const probeConfigured = (root: string, folder: string): string[] =>
  ['config', 'config.worktree'].flatMap((name) => probeNamed(root, folder, `${folder}/${name}`, maxIncludes));

/** core.hooksPath, include.path, includeIf.*.path and a submodule's `.git`, in one file and in those that it includes (git-config(1)). */
const probeNamed = (root: string, folder: string, file: string, depth: number): string[] => {
  const bases: Readonly<Record<string, string>> = {
    'core.hookspath': root,
    'core.worktree': join(root, folder),
    'include.path': dirname(join(root, file)),
    'includeif.path': dirname(join(root, file)),
  };
  return parseGitConfig(readRegularFile(join(root, file))).flatMap(({ section, key, value }) => {
    const name = `${section}.${key}`;
    const base = bases[name];
    if (base === undefined || value === '' || value.startsWith('~')) return [];
    const path = resolvePath(base, name === 'core.worktree' ? `${value}/.git` : value);
    if (path === root || !isWithin(path, root)) return [];
    const relative = path.slice(root.length + 1);
    const included = section.startsWith('include') && depth > 0 ? probeNamed(root, folder, relative, depth - 1) : [];
    return [relative, ...included];
  });
};

/** Folders that are looked into for repositories made during a run. */
const maxScanned = 2_000;

/**
 * Repositories in the tree whose `.git` was made since then (ms since the epoch), three folders down at most. The host's git enters one
 * that was added to the index, and obeys its configuration.
 */
export const probeNewRepositories = (root: string, since: number): string[] => {
  const found: string[] = [];
  let folders = [''];
  let scanned = 0;
  for (let depth = 0; depth < 3; depth++) {
    const next: string[] = [];
    for (const folder of folders) {
      if (++scanned > maxScanned) return found;
      for (const name of listFolders(join(root, folder))) {
        const path = folder === '' ? name : `${folder}/${name}`;
        if (name === '.git') continue;
        const made = lstatQuietly(join(root, path, '.git'))?.ctimeMs;
        if (made !== undefined && made >= since) found.push(`${path}/.git`);
        next.push(path);
      }
    }
    folders = next;
  }
  return found;
};

const readdirQuietly = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const listFolders = (folder: string): string[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
};

const readRegularFile = (path: string): string => {
  try {
    return lstatSync(path).isFile() ? readFileSync(path, 'utf8') : '';
  } catch {
    return '';
  }
};

/** Git folders below one that may hold some: those with a HEAD, at most `depth` folders down. */
const probeGitFolders = (root: string, folder: string, depth: number): string[] => {
  const names = listFolders(join(root, folder));
  return names.flatMap((name) => {
    const path = `${folder}/${name}`;
    const isGit = lstatQuietly(join(root, path, 'HEAD')) !== undefined;
    const inner = isGit ? `${path}/modules` : path;
    return [...(isGit ? [path] : []), ...(depth > 1 ? probeGitFolders(root, inner, depth - 1) : [])];
  });
};
