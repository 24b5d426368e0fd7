import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  return { name: `${source.slice(-64)}-${process.version}`, bytes: script.createCachedData() };
};

/** Plants the cache as `owner` and starts sbox as whoever runs the tests. */
const startWithCacheOf = async (owner: { readonly uid: number; readonly gid: number }): Promise<boolean> => {
  const tree = aTree({ home: dir, work: dir });
  const proof = join(tree, 'work/proof');
  const { name, bytes } = poison(proof);
  const file = join(tree, 'home/.local/state/sbox/code', name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes, { mode: 0o600 });
  chownSync(dirname(file), owner.uid, owner.gid);
  chownSync(file, owner.uid, owner.gid);
  const [home, cwd] = [join(tree, 'home'), join(tree, 'work')];
  const as = users[0] ?? 'user';
  const started = startProgram([process.execPath, join(root, 'bin/sbox.js'), '--version'], {
    as,
    home,
    cwd,
    stateHome: join(home, '.local/state'),
    configHome: join(home, '.config'),
  });
  await started.ended;
  return existsSync(proof);
};

test('what the user cached is run: a cache of another program would be, too (positive control)', async () => {
  expect(await startWithCacheOf({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 })).toBe(true);
});

// fails: root with the HOME of a user (su -m, sudo -E) runs whatever that user put into the cache
test.runIf(users.length > 1)('a cache that another user owns is not run', async () => {
  expect(await startWithCacheOf(identityOf('user'))).toBe(false);
});
