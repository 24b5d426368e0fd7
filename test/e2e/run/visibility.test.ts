import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile } from '../../support/compile.ts';
import { file, needs, program } from '../../support/needs.ts';
import { kernelRungs } from '../../support/reach.ts';
import {
  aWorkspace,
  eachUser,
  identityOf,
  runOutside,
  runSbox,
  runScript,
  type Workspace,
} from '../../support/sbox.ts';

const shellLook = `for path; do
  if said=$(LC_ALL=C stat -- "$path" 2>&1); then echo ok
  else case $said in *'No such file or directory') echo ENOENT;; *) echo "$said";; esac; fi
done`;
const nodeLook = `for (const path of process.argv.slice(1)) {
  try { require('fs').statSync(path); console.log('ok'); } catch (error) { console.log(error.code); }
}`;
const pythonLook = `import errno, os, sys
for path in sys.argv[1:]:
  try:
    os.stat(path); print('ok')
  except OSError as error:
    print(errno.errorcode[error.errno])`;

/** Programs that look at paths by themselves: interpreted, by way of libc, and without it. */
const lookers = [
  { name: 'sh', test, argv: () => ['/bin/sh', '-c', shellLook, 'sh'] },
  { name: 'node', test, argv: () => [process.execPath, '-e', nodeLook] },
  {
    name: 'python3',
    test: needs(file('/usr/bin/python3', 'python3')),
    argv: () => ['/usr/bin/python3', '-c', pythonLook],
  },
  {
    name: 'a static program',
    test: needs(program('gcc')),
    argv: ({ cwd }: Workspace) => [compile('look.c', join(cwd, 'look'), ['-static'])],
  },
];

/** What everyone may stat outside and nobody inside, as far as this machine has it. */
const hostPaths = [
  '/root',
  '/var/lib',
  '/var/log',
  '/srv',
  '/mnt',
  '/boot',
  '/etc/shadow',
  '/etc/ssh',
  '/etc/fstab',
  '/etc/sudoers',
  '/etc/machine-id',
];

eachUser((as) => {
  test.each(kernelRungs)('on %s a target below ~/ is one below HOME, also where HOME is the root', async (rung) => {
    const workspace = aWorkspace(as);
    const note = workspace.write(join(workspace.base, 'note'), 'shown'); // what lies in the writable workspace can't be kept read-only
    const run = (env: Readonly<Record<string, string>>) =>
      runScript('cat ~/.config/note', { ...workspace, env }, ['--rung', rung, '-m', `${note}:~/.config/note`]);
    for (const env of [{}, { HOME: '/' }])
      expect(await run(env)).toMatchObject({ code: 0, stdout: 'shown', stderr: '' });
  });

  describe.each(lookers)('a path that was not declared, for $name', ({ test: check, argv }) => {
    check('does not exist, although it does outside', async () => {
      const workspace = aWorkspace(as);
      const secret = workspace.write(join(workspace.home, '.ssh/id_rsa'), 'secret');
      const neighbour = workspace.write(join(workspace.base, 'neighbour/file'), 'of another project');
      const someoneElse = aWorkspace(as).home;
      const paths = [secret, neighbour, someoneElse, ...hostPaths.filter((path) => existsSync(path))];
      expect(paths).toEqual(expect.arrayContaining(['/root', '/var/lib', '/etc/shadow']));

      const look = [...argv(workspace), ...paths];
      expect((await runOutside(look, workspace)).stdout).toBe(paths.map(() => 'ok\n').join(''));
      expect(await runSbox(['run', '-q', '--', ...look], workspace)).toMatchObject({
        status: 0,
        stdout: paths.map(() => 'ENOENT\n').join(''),
      });
    });
  });

  test('HOME has its real path and is empty at first', async () => {
    const workspace = aWorkspace(as);
    workspace.write(join(workspace.home, '.netrc'), 'machine example.com password secret');
    const { stdout } = await runScript('echo "$HOME"; ls -A "$HOME"', workspace);
    expect(stdout).toBe(`${workspace.home}\n`);
  });

  test('what is written to HOME is there in the next run, and never in the real one', async () => {
    const workspace = aWorkspace(as);
    await runScript('echo kept > ~/note', workspace);
    expect((await runScript('cat ~/note', workspace)).stdout).toBe('kept\n');
    expect(existsSync(join(workspace.home, 'note'))).toBe(false);
  });

  test('an ephemeral HOME is empty, and forgotten', async () => {
    const workspace = aWorkspace(as);
    await runScript('echo kept > ~/note', workspace);
    expect((await runScript('ls -A ~; echo lost > ~/other', workspace, ['--ephemeral'])).stdout).toBe('');
    expect((await runScript('ls -A ~', workspace)).stdout).toBe('note\n');
  });

  test('/proc shows the processes of the sandbox alone', async () => {
    const workspace = aWorkspace(as);
    const outsider = spawn('sleep', ['86399.25'], { stdio: 'ignore', ...identityOf(as) });
    try {
      const list = ['sh', '-c', "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; echo; echo /proc/[0-9]*"];
      expect((await runOutside(list, workspace)).stdout).toContain('sleep 86399.25');
      const { stdout } = await runSbox(['run', '-q', '--', ...list], workspace);
      expect(stdout).not.toContain('86399.25');
      expect(stdout.trimEnd().split('\n').at(-1)?.split(' ').length).toBeLessThanOrEqual(4);
    } finally {
      outsider.kill('SIGKILL');
    }
  });

  test('uid and gid are kept, and what is made in the workspace belongs to them', async () => {
    const workspace = aWorkspace(as);
    const { uid, gid } = identityOf(as);
    workspace.write('made-outside', '');
    const { stdout } = await runScript('id -u; id -g; id -G; stat -c %u:%g made-outside; touch made', workspace);
    expect(stdout).toBe(`${uid}\n${gid}\n${gid}\n${uid}:${gid}\n`);
    expect(lstatSync(join(workspace.cwd, 'made'))).toMatchObject({ uid, gid });
  });

  needs(file('/usr/bin/python3', 'python3'))(
    'no directory is writable but the workspace, HOME and the temporary ones',
    async () => {
      const workspace = aWorkspace(as);
      const tryAll = `import os
def below(folder, depth):
  yield folder
  if depth == 0: return
  try: names = os.listdir(folder)
  except OSError: return
  for name in names:
    path = os.path.join(folder, name)
    if os.path.isdir(path) and not os.path.islink(path) and path != '/proc': yield from below(path, depth - 1)
for folder in below('/', 4):
  try:
    os.mkdir(folder + '/made-by-a-test'); os.rmdir(folder + '/made-by-a-test'); print(folder)
  except OSError: pass`;
      const { stdout } = await runSbox(['run', '-q', '--', '/usr/bin/python3', '-c', tryAll], workspace);
      const own = [workspace.base, workspace.cwd, workspace.home, '/tmp', '/var/tmp', '/run', '/dev/shm'];
      const writable = stdout.trimEnd().split('\n');
      expect(writable).toEqual(expect.arrayContaining([workspace.cwd, workspace.home, '/tmp']));
      expect(writable.filter((path) => !own.includes(path))).toEqual([]);
    },
  );

  test('/tmp is private: the host sees nothing of it, and it is gone with the run', async () => {
    const workspace = aWorkspace(as);
    const name = `of-a-sandbox-${process.pid}-${as}`;
    expect((await runScript(`echo x > /tmp/${name}; ls /tmp/${name}`, workspace)).stdout).toBe(`/tmp/${name}\n`);
    expect(existsSync(`/tmp/${name}`)).toBe(false);
    expect((await runScript(`ls -A /tmp`, workspace)).stdout).not.toContain(name);
  });

  test('accounts are synthetic: the user, root and nobody, and none of the host', async () => {
    const workspace = aWorkspace(as);
    const { uid } = identityOf(as);
    const { stdout } = await runScript('cut -d: -f3 /etc/passwd', workspace);
    expect(new Set(stdout.trimEnd().split('\n'))).toEqual(new Set(['0', '65534', String(uid)]));
    expect(readFileSync('/etc/passwd', 'utf8').split('\n').length).toBeGreaterThan(5);
  });
});
