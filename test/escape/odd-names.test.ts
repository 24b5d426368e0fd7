import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkspace, eachUser, runSbox } from '../support/sbox.ts';

const names = [
  'a\nb',
  ' spaces around ',
  `quo"te's`,
  '$(touch pwned)`id`',
  'ünïcode-目录-🙂',
  'back\\slash',
  '-rf',
  '%s%n',
  'colon:ro',
  '\x1b]0;title\x07',
  'x'.repeat(255),
  '...',
];

eachUser((as) => {
  test.each(names)(
    'a workspace called %j is the working directory, writable, and its protected paths hold',
    async (name) => {
      const workspace = aWorkspace(as, name);
      workspace.write('.envrc', 'safe');
      const script = 'touch made; echo x >.envrc; pwd; cat made .envrc; ls -A';
      const ended = await runSbox(['run', '-q', '--', 'sh', '-c', script], workspace);
      expect(ended.stdout).toBe(`${workspace.cwd}\nsafe.envrc\nmade\n`);
      expect(ended.stderr).toMatch('Read-only file system');
    },
  );

  test.each(names)('a mount called %j appears at its own place and at another', async (name) => {
    const workspace = aWorkspace(as);
    const file = workspace.write(join(workspace.base, 'outside', name, 'file'), 'content');
    const escaped = join(workspace.base, 'outside', name).replaceAll(':', '\\:');
    const target = `/targets/${name}`;
    const argv = ['run', '-q', '-m', escaped, '-m', `${escaped}:${target.replaceAll(':', '\\:')}:copy`];
    const ended = await runSbox([...argv, '--', 'cat', file, `${target}/file`], workspace);
    expect(ended).toMatchObject({ stdout: 'contentcontent', stderr: '' });
  });

  test.each([
    '/targets/../etc/x',
    'relative',
    '',
    '/proc/x',
    '/dev/x',
    '/sys/x',
    '/',
    '/etc',
    '/usr',
    '/sbox/bin/ls',
    '/./',
    '//etc//',
  ])('nothing is mounted at %j', async (target) => {
    const workspace = aWorkspace(as);
    const folder = workspace.mkdir(join(workspace.base, 'outside'));
    const ended = await runSbox(['run', '-q', '-m', `${folder}:${target}:rw`, '--', 'echo', 'ran'], workspace);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
  });
});
