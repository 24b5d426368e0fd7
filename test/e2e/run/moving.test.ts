import { expect } from 'vitest';
import { needs, program } from '../../support/needs.ts';
import { aWorkspace, eachUser, runOutside, sboxCommand } from '../../support/sbox.ts';

/** Runs a command where no user namespaces are to be had. */
const withoutNamespaces = (argv: readonly string[]): readonly string[] => {
  const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
  return ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh', ...argv];
};

const move = `const { mkdirSync, renameSync, symlinkSync, writeFileSync, readdirSync } = require('node:fs');
for (const folder of [process.cwd(), process.env.HOME]) {
  process.chdir(folder);
  for (const name of ['a', 'b', 'a/folder']) mkdirSync(name);
  writeFileSync('a/file', '');
  symlinkSync('file', 'a/link');
  for (const name of ['file', 'link', 'folder']) renameSync('a/' + name, 'b/' + name);
  console.log(readdirSync('b').join());
}`;

eachUser((as) => {
  needs(program('unshare', 'util-linux'))(
    'files can be moved between directories without namespaces, too',
    async () => {
      const node = [process.execPath, '-e', move];
      const inside = withoutNamespaces(sboxCommand(['run', '-q', '--', ...node]));
      const ended = await runOutside(inside, aWorkspace(as));
      expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'file,folder,link\n'.repeat(2) });
    },
  );
});
