import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import type { Facts } from '../domain/facts.ts';

type ProtectedPaths = Facts['protectedPaths'];

/** Which protected paths the workspace has, those of its repository's submodules and of its hooks folder included. */
export const probeProtected = (workspace: string, declared: readonly string[]): ProtectedPaths => {
  const existing: { path: string; kind: 'file' | 'dir' | 'link' }[] = [];
  const missing: string[] = [];
  for (const path of new Set([...declared, ...probeRepository(workspace)])) {
    const found = lstatBelow(workspace, path);
    if (found) existing.push(found);
    else missing.push(path);
  }
  return { existing, missing };
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

/** Settings of the repository that make the host's git run a program (git-config(1): core.hooksPath, include.path). */
const probeRepository = (workspace: string): string[] => {
  const found: string[] = [];
  const dotGit = lstatSync(join(workspace, '.git'), { throwIfNoEntry: false });
  if (dotGit?.isFile()) return ['.git'];
  if (!dotGit?.isDirectory()) return [];
  found.push(...probeConfiguredPaths(workspace));
  for (const folder of probeGitFolders(join(workspace, '.git/modules'), 3)) {
    for (const name of ['hooks', 'config']) found.push(`.git/modules/${folder}/${name}`);
  }
  return found;
};

const probeConfiguredPaths = (workspace: string): string[] => {
  let text: string;
  try {
    const file = join(workspace, '.git/config');
    if (!lstatSync(file).isFile()) return [];
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const values = [...text.matchAll(/^\s*(hookspath|path)\s*=\s*"?([^"\n;#]+?)"?\s*(?:[;#].*)?$/gim)];
  return values.flatMap(([, key, value]) => {
    if (value === undefined || value.startsWith('/') || value.startsWith('~')) return [];
    // a hooks path is relative to the work tree, an included file to .git
    const path = normalize(key?.toLowerCase() === 'path' ? join('.git', value) : value).replace(/\/$/, '');
    return path === '.' || path.startsWith('..') ? [] : [path];
  });
};

const probeGitFolders = (folder: string, depth: number): string[] => {
  let names: string[];
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    if (lstatSync(join(folder, name, 'HEAD'), { throwIfNoEntry: false })) return [name];
    return depth > 1 ? probeGitFolders(join(folder, name), depth - 1).map((rest) => `${name}/${rest}`) : [];
  });
};
