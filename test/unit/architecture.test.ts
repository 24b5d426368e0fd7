import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const src = join(root, 'src');

interface SourceFile {
  /** relative to src/ */
  readonly path: string;
  readonly text: string;
  /** what it imports: paths relative to src/, or the names of packages and Node's modules */
  readonly imports: readonly string[];
}

/** Imports, re-exports and dynamic imports; `with` stands for no import of ours. */
const importPattern =
  /(?:^|[\s;])(?:import|export)\s+(?:[\w*{}\s,$]+?\s+from\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

const files: readonly SourceFile[] = (readdirSync(src, { recursive: true }) as string[])
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map((path) => {
    const text = withoutComments(readFileSync(join(src, path), 'utf8'));
    const imports = [...text.matchAll(importPattern)].map(([, direct, dynamic]) => {
      const name = direct ?? dynamic ?? '';
      return name.startsWith('.') ? relative(src, resolve(src, path, '..', name)) : name;
    });
    return { path, text, imports };
  });

const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path);
const isOurs = (name: string): boolean => name.endsWith('.ts');

/** Which other folders each folder may import from. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  syscall: ['domain'],
  plan: ['domain'],
  profile: ['domain', 'state'],
  host: ['domain'],
  rungs: ['domain', 'syscall'],
  state: ['domain'],
  egress: ['domain', 'syscall'],
  credentials: ['domain'],
  session: ['domain', 'syscall', 'plan', 'profile', 'host', 'rungs', 'state', 'egress', 'credentials'],
  cli: ['domain', 'syscall', 'plan', 'profile', 'host', 'rungs', 'state', 'egress', 'credentials', 'session'],
  library: ['session', 'plan', 'domain'],
  'index.ts': ['library', 'session', 'plan', 'domain'],
};

describe('imports', () => {
  test('are found', () => {
    expect(files.length).toBeGreaterThan(80);
    expect(files.flatMap(({ imports }) => imports.filter(isOurs)).length).toBeGreaterThan(200);
    const known = new Set(files.map(({ path }) => path));
    expect(files.flatMap(({ imports }) => imports.filter((name) => isOurs(name) && !known.has(name)))).toEqual([]);
  });

  test('every folder has a rule', () => {
    expect([...new Set(files.map(({ path }) => folderOf(path)))].sort()).toEqual(Object.keys(allowed).sort());
  });

  test.each(Object.entries(allowed))('%s imports from no folder but %j', (folder, others) => {
    const wrong = files
      .filter(({ path }) => folderOf(path) === folder)
      .flatMap(({ path, imports }) =>
        imports
          .filter((name) => isOurs(name) && folderOf(name) !== folder && !others.includes(folderOf(name)))
          .map((name) => `${path} -> ${name}`),
      );
    expect(wrong).toEqual([]);
  });

  test('no file imports itself through others', () => {
    const importsOf = new Map(files.map(({ path, imports }) => [path, imports.filter(isOurs)]));
    const done = new Set<string>();
    const visit = (path: string, above: readonly string[]): string[] => {
      if (above.includes(path)) return [[...above.slice(above.indexOf(path)), path].join(' -> ')];
      if (done.has(path)) return [];
      const found = (importsOf.get(path) ?? []).flatMap((next) => visit(next, [...above, path]));
      done.add(path);
      return found;
    };
    expect(files.flatMap(({ path }) => visit(path, []))).toEqual([]);
  });
});

/** `file: match` of every match of a pattern in files of some folders. */
const findIn = (folders: (folder: string) => boolean, pattern: RegExp): string[] =>
  files
    .filter(({ path }) => folders(folderOf(path)))
    .flatMap(({ path, text }) => [...text.matchAll(pattern)].map(([match]) => `${path}: ${match.trim()}`));

describe('purity', () => {
  const pure = (folder: string) => folder === 'plan' || folder === 'domain';

  test('planning and the vocabulary import no package and no module of Node', () => {
    expect(
      files
        .filter(({ path }) => pure(folderOf(path)))
        .flatMap(({ path, imports }) => imports.filter((name) => !isOurs(name)).map((name) => `${path} -> ${name}`)),
    ).toEqual([]);
  });

  test('planning and the vocabulary know no process, clock, chance or file', () => {
    const impure =
      /\b(process|globalThis|Date|performance|crypto|Buffer|fetch|setTimeout|setInterval|queueMicrotask|console)\b(?=\s*[.([])(?!\.(?:anthropic|mistral|groq)\.)|\brequire\(|\bMath\.random\b|\bnew Date\b/g;
    expect(findIn(pure, impure)).toEqual([]);
  });

  test('the machine-code and system-call part touches no process and no file', () => {
    expect(findIn((folder) => folder === 'syscall', /\bprocess\.|'node:[^']+'/g)).toEqual([]);
  });
});

describe('effects', () => {
  test('only the command line prints or reads its arguments', () => {
    const printing = /\bprocess\.(stdout|stderr|argv)\b|\bconsole\.(log|error|warn|info|debug|dir|table|trace)\b/g;
    expect(findIn((folder) => folder !== 'cli', printing)).toEqual([]);
  });

  test('the environment is read in one place of it, and in one of the library', () => {
    expect(
      files
        .filter(({ text }) => /\bprocess\.env\b|\{[^}]*\benv\b[^}]*\} = process\b/.test(text))
        .map(({ path }) => path),
    ).toEqual(['cli/context.ts', 'library/surroundings.ts']);
  });

  test('nothing ends the process by itself', () => {
    expect(findIn(() => true, /\bprocess\.(exit|abort|reallyExit)\b/g)).toEqual([]);
  });

  test('nothing runs through a shell', () => {
    expect(findIn(() => true, /\bshell:\s*true\b|\{[^}]*\bexec(Sync)?\b[^}]*\} from 'node:child_process'/g)).toEqual(
      [],
    );
  });
});

describe('size', () => {
  test('no file has more than 300 lines', () => {
    const long = files
      .map(({ path }) => ({ path, lines: readFileSync(join(src, path), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > 300);
    expect(long).toEqual([]);
  });
});

test('the program in bin/ only hands over', () => {
  const text = readFileSync(join(root, 'bin/sbox.js'), 'utf8');
  expect(text.split('\n').length).toBeLessThan(90);
  expect(text).not.toMatch(/process\.(exit\(|stdout|stderr)|console/);
});
