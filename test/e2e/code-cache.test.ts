import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { startProgram } from '../support/start.ts';
import { aTree, dir } from '../support/trees.ts';
import { identityOf, users } from '../support/users.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A code cache of the command line that is of another program: it writes its uid to `proof` and does nothing else. */
const poison = (proof: string): { readonly name: string; readonly bytes: Buffer } => {
  const filename = join(root, 'dist/cli.cjs');
  const source = readFileSync(filename, 'latin1');
  const wrap = (body: string) => `(function(exports,require,module){${body}\n})`;
  const evil = `require('node:fs').writeFileSync(${JSON.stringify(proof)},String(process.getuid()));process.exit(0);`;
  const script = new Script(wrap(evil.padEnd(source.length)), { filename });
  // V8 keeps what was compiled, and compares no more of a source than its length
  const previous = process.exit;
  process.exit = (() => undefined) as never;
  try {
    script.runInThisContext()({}, () => ({ writeFileSync: () => undefined }), {});
  } finally {
    process.exit = previous;
  }
  return { name: `other-${source.slice(-64)}-${process.version}-${process.arch}`, bytes: script.createCachedData() };
};

interface Planted {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** the cache is a link to what was planted */
  readonly linked: boolean;
}

const own: Planted = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mode: 0o600, linked: false };

/** Plants a cache, starts sbox as whoever runs the tests, and tells whether the cache was run. */
const runsCache = async (changes: Partial<Planted> = {}): Promise<boolean> => {
  const { uid, gid, mode, linked } = { ...own, ...changes };
  const tree = aTree({ home: dir, work: dir });
  const proof = join(tree, 'work/proof');
  const { name, bytes } = poison(proof);
  const file = join(tree, 'home/.local/state/sbox/code', name);
  mkdirSync(dirname(file), { recursive: true });
  const planted = linked ? join(tree, 'elsewhere') : file;
  writeFileSync(planted, bytes);
  chmodSync(planted, mode);
  if (linked) symlinkSync(planted, file);
  chownSync(dirname(file), uid, gid);
  chownSync(planted, uid, gid);
  const [home, cwd] = [join(tree, 'home'), join(tree, 'work')];
  const as = users[0] ?? 'user';
  const started = startProgram([process.execPath, join(root, 'bin/sbox.js'), '--version'], {
    as,
    home,
    cwd,
    stateHome: join(home, '.local/state'),
    configHome: join(home, '.config'),
  });
  const { stdout } = await started.ended;
  const ran = existsSync(proof);
  if (!ran) expect(stdout).toMatch(/^\d+\.\d+\.\d+/); // the program itself was run
  return ran;
};

test('what the user cached is run: a cache of another program would be, too (positive control)', async () => {
  expect(await runsCache()).toBe(true);
});

test.runIf(users.length > 1)('a cache that another user owns is not run', async () => {
  expect(await runsCache(identityOf('user'))).toBe(false);
});

test.each([0o620, 0o602, 0o666])('nor one that others may write to: mode %s', async (mode) => {
  expect(await runsCache({ mode })).toBe(false);
});

test('nor one that a link leads to', async () => {
  expect(await runsCache({ linked: true })).toBe(false);
});

test('a run has caches of its own, also of what it loads for a connection; a plan makes none', async () => {
  const tree = aTree({ home: dir, work: dir });
  const [home, cwd] = [join(tree, 'home'), join(tree, 'work')];
  const stateHome = join(home, '.local/state');
  const kinds = async (...args: string[]): Promise<string[]> => {
    const argv = [process.execPath, join(root, 'bin/sbox.js'), ...args] as const;
    const started = startProgram([...argv], { as: users[0] ?? 'user', home, cwd, stateHome, configHome: home });
    expect((await started.ended).code).toBe(0);
    return readdirSync(join(stateHome, 'sbox/code')).map((name) => name.slice(0, name.indexOf('-')));
  };
  expect(await kinds('--version')).toEqual(['other']);
  expect(await kinds('run', '--dry-run', '--', 'true')).toEqual(['other']);
  expect((await kinds('run', '--', 'true')).sort()).toEqual(['other', 'run']);
  const connect = 'exec 3<>/dev/tcp/127.0.0.1/9 || true'; // which is refused, by what has to be loaded for it
  expect((await kinds('run', '--allow', 'localhost:9', '--', 'bash', '-c', connect)).sort()).toEqual([
    'other',
    'run',
    'run',
  ]);
});
