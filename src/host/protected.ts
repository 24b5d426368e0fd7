import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Facts } from '../domain/facts.ts';
import { isWithin, resolvePath } from '../domain/path.ts';
import { parseGitConfig } from './git-config.ts';

type ProtectedPaths = Facts['protectedPaths'];

/** Which protected paths the workspace has, those of its repository included. */
export const probeProtected = (workspace: string, declared: readonly string[]): ProtectedPaths => {
  const existing = new Map<string, ProtectedPaths['existing'][number]>();
  const missing: string[] = [];
  for (const path of new Set([...declared, ...probeRepository(workspace)])) {
    const found = lstatBelow(workspace, path);
    if (found) existing.set(found.path, found);
    else missing.push(path);
  }
  return { existing: [...existing.values()], missing };
};

/** The first component that is a link stands for the whole path: what lies behind it is not the workspace's. */
const lstatBelow = (workspace: string, path: string): ProtectedPaths['existing'][number] | undefined => {
  const names = path.split('/');
  for (let depth = 1; depth <= names.length; depth++) {
    const part = names.slice(0, depth).join('/');
    const entry = lstatSync(join(workspace, part), { throwIfNoEntry: false });
    if (!entry) return undefined;
    if (entry.isSymbolicLink()) return { path: part, kind: 'link' };
    if (depth === names.length) return { path, kind: entry.isDirectory() ? 'dir' : 'file' };
    if (!entry.isDirectory()) return undefined;
  }
  return undefined;
};

/** What makes the host's git run a program, or look for its settings elsewhere, in a git folder (gitrepository-layout(5)). */
const settingsOfGitFolder = ['hooks', 'config', 'config.worktree', 'commondir', 'gitdir'];

/** Paths of the repository in the workspace, relative to it: its own settings, its submodules', its linked work trees'. */
const probeRepository = (workspace: string): string[] => {
  const dotGit = lstatSync(join(workspace, '.git'), { throwIfNoEntry: false });
  if (dotGit?.isFile()) return ['.git'];
  if (!dotGit?.isDirectory()) return [];
  const folders = [
    '.git',
    ...probeGitFolders(workspace, '.git/modules', 6),
    ...probeGitFolders(workspace, '.git/worktrees', 1),
  ];
  return [
    ...folders.flatMap((folder) => settingsOf(folder)),
    ...folders.flatMap((folder) => probeConfigured(workspace, folder)),
  ];
};

const settingsOf = (folder: string): string[] =>
  settingsOfGitFolder.filter((name) => folder !== '.git' || name !== 'gitdir').map((name) => `${folder}/${name}`);

/** Files in the workspace that a configuration names: core.hooksPath, include.path, includeIf.*.path (git-config(1)). */
const probeConfigured = (workspace: string, folder: string): string[] => {
  const text = readRegularFile(join(workspace, folder, 'config'));
  return parseGitConfig(text).flatMap(({ section, key, value }) => {
    const isHooks = section === 'core' && key === 'hookspath';
    const isInclude = section.startsWith('include') && key === 'path';
    if ((!isHooks && !isInclude) || value === '' || value.startsWith('~')) return [];
    // a hooks path is relative to the work tree, an included file to the folder of the configuration
    const path = resolvePath(isHooks ? workspace : join(workspace, folder), value);
    return path !== workspace && isWithin(path, workspace) ? [path.slice(workspace.length + 1)] : [];
  });
};

const readRegularFile = (path: string): string => {
  try {
    return lstatSync(path).isFile() ? readFileSync(path, 'utf8') : '';
  } catch {
    return '';
  }
};

/** Git folders below one that may hold some: those with a HEAD, at most `depth` folders down. */
const probeGitFolders = (workspace: string, folder: string, depth: number): string[] => {
  let names: string[];
  try {
    names = readdirSync(join(workspace, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const path = `${folder}/${name}`;
    const isGit = lstatSync(join(workspace, path, 'HEAD'), { throwIfNoEntry: false }) !== undefined;
    const inner = isGit ? `${path}/modules` : path;
    return [...(isGit ? [path] : []), ...(depth > 1 ? probeGitFolders(workspace, inner, depth - 1) : [])];
  });
};
