import { closeSync, constants, openSync, readdirSync, readSync, statSync } from 'node:fs';
import type { PathFact, Toolchain, Tools } from '../domain/facts.ts';
import { baseOf, isWithin, resolvePath } from '../domain/path.ts';
import { findPackageRoot, findTreeOfBin, type Look } from './package-root.ts';
import { probePath } from './paths.ts';

export interface ToolQuestion {
  /** the operator's PATH, in order */
  readonly path: readonly string[];
  readonly home: string;
  readonly cwd: string;
  /** host folders that are visible inside anyway */
  readonly visible: readonly string[];
  /** trees that a command may have written to: a link in one of them is not followed to what it would show */
  readonly writable: readonly string[];
  /** the first word of the command, if it is known */
  readonly command: string | undefined;
  /** path.tools of the profile: if not empty, exactly these get a link */
  readonly only: readonly string[];
}

/** More programs than this in one PATH entry are not followed: such a folder is not a tool's. */
const maxPrograms = 400;

/**
 * Follows the command and what lies on PATH outside the visible folders through their links (and a script's `#!` line) to the
 * packages that they belong to.
 */
export const probeTools = async (question: ToolQuestion): Promise<Tools> => {
  const search = new ToolSearch(question);
  const only = question.only.length > 0;
  const path = only ? ['links' as const] : search.addPath(question.path);
  if (only) await search.addNamed(question.only);
  const command = question.command === undefined ? undefined : search.addCommand(question.command);
  if (search.links.size > 0 && !path.includes('links')) path.unshift('links');
  return {
    toolchains: [...search.toolchains.values()],
    links: [...search.links].map(([name, target]) => ({ name, target })),
    path: [...new Set(path)],
    ...(command !== undefined && { command }),
  };
};

class ToolSearch {
  readonly toolchains = new Map<string, Toolchain>();
  readonly links = new Map<string, string>();
  readonly #question: ToolQuestion;
  readonly #look: Look;
  /** folders on the way to what was looked at, which are no links */
  readonly #folders = new Set<string>();
  /** what was searched for: the scripts of one folder have one interpreter */
  readonly #found = new Map<string, { readonly path: string | undefined }>();

  constructor(question: ToolQuestion) {
    this.#question = question;
    // a folder's programs raise the same questions
    const kinds = new Map<string, 'none' | 'dir' | 'other'>();
    const kindOf = (path: string) => {
      const known = kinds.get(path);
      if (known !== undefined) return known;
      const entry = statSync(path, { throwIfNoEntry: false });
      const kind = entry === undefined ? 'none' : entry.isDirectory() ? 'dir' : 'other';
      kinds.set(path, kind);
      return kind;
    };
    this.#look = {
      home: question.home,
      exists: (path) => kindOf(path) !== 'none',
      isDirectory: (path) => kindOf(path) === 'dir',
    };
  }

  /** What stands for PATH inside. Entries of writable trees come last: they may lead to what the others have shown, and no further. */
  addPath(entries: readonly string[]): (string | 'links')[] {
    const stands = new Map<string, readonly (string | 'links')[]>();
    const isPlanted = (entry: string) => this.#question.writable.some((tree) => isWithin(entry, tree));
    const [planted, own] = [entries.filter(isPlanted), entries.filter((entry) => !isPlanted(entry))];
    for (const group of [own, planted]) {
      const folders = group.flatMap((entry) => this.#pathFolder(entry) ?? []);
      // whole trees first: they may hold other entries
      for (const { real, entry } of folders) this.#addTree(real, entry);
      for (const { real, entry } of folders) stands.set(entry, this.#addPathEntry(real));
    }
    return entries.flatMap((entry) => stands.get(entry) ?? []);
  }

  #pathFolder(entry: string): { readonly entry: string; readonly real: string } | undefined {
    const fact = entry.startsWith('/') ? this.#probe(entry) : undefined;
    return fact?.kind === 'dir' ? { entry, real: fact.real } : undefined;
  }

  #addTree(folder: string, why: string): void {
    const tree = this.#isVisible(folder) ? undefined : findTreeOfBin(folder, this.#look);
    if (tree !== undefined) this.#addRoot(tree, 'dir', why);
  }

  /** What stands for one PATH entry inside: its real path, or the folder of links. */
  #addPathEntry(folder: string): (string | 'links')[] {
    if (this.#isVisible(folder)) return [folder];
    if (this.#covered(folder)) {
      for (const name of listLinks(folder)) this.#followLink(`${folder}/${name}`);
      return [folder];
    }
    const before = this.links.size;
    for (const name of listPrograms(folder)) this.#addLink(name, `${folder}/${name}`);
    return this.links.size > before ? ['links'] : [];
  }

  /** The programs of path.tools; one that does not exist on the host is left to the plan to complain about. */
  async addNamed(names: readonly string[]): Promise<void> {
    const { default: which } = await import('which');
    for (const name of names) {
      const found = which.sync(name, { path: this.#question.path.join(':'), nothrow: true });
      if (found !== null) this.#addLink(name, found);
    }
  }

  /** The command's real path, if the host has it outside the visible folders; what it needs is added. */
  addCommand(command: string): string | undefined {
    const found = command.includes('/') ? resolvePath(this.#question.cwd, command) : this.#search(command);
    const fact = found === undefined ? undefined : this.#probe(found);
    if (fact?.kind !== 'file' || found === undefined) return undefined;
    this.#follow(fact.real, found);
    return fact.real;
  }

  #addLink(name: string, path: string): void {
    const fact = this.#probe(path);
    if (fact?.kind !== 'file' || this.links.has(name)) return;
    this.links.set(name, fact.real);
    this.#follow(fact.real, path);
  }

  /** A link in a folder that is shown as a whole: what it leads to may lie elsewhere. */
  #followLink(path: string): void {
    const fact = this.#probe(path);
    if (fact?.kind === 'file' && isProgram(fact.real)) this.#follow(fact.real, path);
  }

  #follow(real: string, why: string, depth = 0): void {
    if (this.#isVisible(real) || this.#covered(real)) return;
    for (const { path, kind } of findPackageRoot(real, this.#look).roots) this.#addRoot(path, kind, why);
    const interpreter = probeInterpreter(real);
    if (interpreter === undefined || depth > 3) return;
    const found = interpreter.startsWith('/') ? interpreter : this.#search(interpreter);
    const fact = found === undefined ? undefined : this.#probe(found);
    if (fact?.kind === 'file') this.#follow(fact.real, why, depth + 1);
  }

  /** What a path is; nothing if a link that a command may have planted would show more than is shown without it. */
  #probe(path: string): Exclude<PathFact, { kind: 'missing' }> | undefined {
    const fact = probePath(path, this.#folders);
    if (fact.kind === 'missing') return undefined;
    const planted = fact.links.some((link) => this.#question.writable.some((tree) => isWithin(link, tree)));
    return planted && !this.#isVisible(fact.real) && !this.#covered(fact.real) ? undefined : fact;
  }

  /** The first program of that name on PATH, as execvp(3) looks for it; on the way of every start, so without a package. */
  #search(name: string): string | undefined {
    const known = this.#found.get(name);
    if (known !== undefined) return known.path;
    const path = this.#question.path
      .filter((entry) => entry.startsWith('/'))
      .map((entry) => `${entry}/${name}`)
      .find(isProgram);
    this.#found.set(name, { path });
    return path;
  }

  #addRoot(root: string, kind: 'file' | 'dir', why: string): void {
    if (this.#isVisible(root) || this.#covered(root)) return;
    for (const inner of [...this.toolchains.keys()]) if (isWithin(inner, root)) this.toolchains.delete(inner);
    this.toolchains.set(root, { root, kind, why });
  }

  #covered(path: string): boolean {
    return [...this.toolchains.keys()].some((root) => isWithin(path, root));
  }

  #isVisible(path: string): boolean {
    return this.#question.visible.some((folder) => isWithin(path, folder));
  }
}

const listPrograms = (folder: string): string[] => {
  try {
    const names = readdirSync(folder);
    return names.length > maxPrograms ? [] : names.filter((name) => isProgram(`${folder}/${name}`));
  } catch {
    return [];
  }
};

const listLinks = (folder: string): string[] => {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.length > maxPrograms ? [] : entries.flatMap((entry) => (entry.isSymbolicLink() ? entry.name : []));
  } catch {
    return [];
  }
};

const isProgram = (path: string): boolean => {
  try {
    const entry = statSync(path, { throwIfNoEntry: false });
    return entry?.isFile() === true && (entry.mode & 0o111) !== 0;
  } catch {
    return false; // a folder on the way that is closed to this user
  }
};

/** The interpreter that a script's first line names; the word after env(1) if it asks for one by name. */
export const probeInterpreter = (file: string): string | undefined => {
  const head = Buffer.alloc(256);
  let length = 0;
  try {
    // which waits for nobody where the path is no file
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      length = readSync(fd, head, 0, head.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
  const words =
    /^#! *([^\n]*)/
      .exec(head.toString('latin1', 0, length))?.[1]
      ?.trim()
      .split(/\s+/) ?? [];
  if (words[0] === undefined || words[0] === '') return undefined;
  if (baseOf(words[0]) !== 'env') return words[0];
  return words.slice(1).find((word) => !word.startsWith('-') && !word.includes('='));
};
