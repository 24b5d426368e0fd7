import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  aWorkspace,
  eachUser,
  runOutside,
  runSbox,
  runScript,
  sboxCommand,
  startSbox,
  type Workspace,
} from '../support/sbox.ts';

const aSecret = (workspace: Workspace) => workspace.write(join(workspace.base, 'outside/secret'), 'of the operator');

eachUser((as) => {
  test('a sbox.json that the agent planted is refused until it is trusted, also after a change', async () => {
    const workspace = aWorkspace(as);
    const secret = aSecret(workspace);
    const text = JSON.stringify({ mounts: [secret] });
    const first = await runSbox(['run', '--', 'sh', '-c', `printf '%s' '${text}' >sbox.json`], workspace);
    expect(first.stderr).toMatch('"sbox.json" was made or changed');
    const read = ['run', '-q', '--', 'cat', secret];
    expect(await runSbox(read, workspace)).toMatchObject({ stdout: '', code: 125 });
    await runSbox(['trust'], workspace);
    expect((await runSbox(read, workspace)).stdout).toBe('of the operator');
    const change = await runScript(
      'echo " " >>sbox.json; rm sbox.json; mv sbox.json x; ln -sf /x sbox.json; cat sbox.json',
      workspace,
    );
    expect(change.stdout).toBe(text);
    expect(readFileSync(join(workspace.cwd, 'sbox.json'), 'utf8')).toBe(text);
    workspace.write('sbox.json', `${text} `);
    expect(await runSbox(read, workspace)).toMatchObject({ stdout: '', code: 125 });
  });

  test.each([
    ['a link', 'ln -s ~/x sbox.json'],
    ['a pipe', 'mkfifo sbox.json'],
    ['a directory', 'mkdir sbox.json'],
    ['a link to zeros', 'ln -s /dev/zero sbox.json'],
    ['a file of 2 GiB', 'truncate -s 2G sbox.json'],
  ])('a sbox.json that is %s is refused at once', async (_name, plant) => {
    const workspace = aWorkspace(as);
    await runScript(plant, workspace);
    const ended = await runSbox(['run', '-q', '--', 'echo', 'ran'], workspace);
    expect(ended.stdout).toBe('');
    expect([2, 125]).toContain(ended.code);
  });

  test("sbox's own state and code can not be made writable by the workspace or a mount", async () => {
    const workspace = aWorkspace(as);
    const state = join(workspace.stateHome, 'sbox');
    await runSbox(['run', '-q', '--', 'true'], workspace);
    for (const flags of [
      ['-w', workspace.stateHome],
      ['-w', state],
      ['-w', workspace.base],
      ['-m', `${workspace.stateHome}:rw`],
      ['-m', `${state}:/data:rw`],
      ['-m', `${join(state, 'sandboxes')}:/data:rw`],
    ])
      expect(await runSbox(['run', '-q', ...flags, '--', 'echo', 'ran'], workspace)).toMatchObject({
        code: 2,
        stdout: '',
      });
    const look = `ls -a ${workspace.stateHome} ${workspace.configHome}`;
    expect((await runOutside(['sh', '-c', look], workspace)).stdout).toMatch('sbox');
    expect((await runScript(look, workspace)).stdout).toBe('');
  });

  test.each([
    ['the workspace', (store: string) => ['-w', store]],
    ['a mount', (store: string) => ['-m', `${store}:rw`]],
  ])("sbox's own state that is reached through a link can not be made writable by %s", async (_name, flags) => {
    const workspace = aWorkspace(as);
    const store = workspace.mkdir(join(workspace.base, 'store'));
    workspace.mkdir(join(store, 'state'));
    const stateHome = workspace.link(join(store, 'state'), join(workspace.base, 'state-link'));
    const plant = `echo '{}' >${store}/state/sbox/trusted.json`;
    const argv = ['run', '-q', '--ephemeral', ...flags(store), '--', 'sh', '-c', plant];
    await runSbox(argv, { ...workspace, stateHome });
    expect(existsSync(join(store, 'state/sbox/trusted.json'))).toBe(false);
  });

  test('a state directory that is reached through a link works', async () => {
    const workspace = aWorkspace(as);
    workspace.mkdir(join(workspace.base, 'store/state'));
    const stateHome = workspace.link('store/state', join(workspace.base, 'state-link'));
    const ended = await runSbox(['run', '-q', '--', 'echo', 'ran'], { ...workspace, stateHome });
    expect(ended.stdout).toBe('ran\n');
  });

  test("the operator's profiles can not be made writable by the workspace or a mount", async () => {
    const workspace = aWorkspace(as);
    const secret = aSecret(workspace);
    const plant = `mkdir -p ${workspace.configHome}/sbox/profiles; echo '{"mounts":["${secret}"]}' >${workspace.configHome}/sbox/profiles/node.json`;
    for (const flags of [
      ['-w', workspace.configHome],
      ['-m', `${workspace.configHome}:rw`],
    ]) {
      await runSbox(['run', '-q', ...flags, '--', 'sh', '-c', plant], workspace);
      const later = await runSbox(['run', '-q', '-p', 'node', '--', 'cat', secret], workspace);
      expect(later.stdout).toBe('');
    }
  });

  test('a link that was planted in a HOME below which the sandbox has files of its own overwrites nothing', async () => {
    const workspace = aWorkspace(as);
    const folder = '/var/tmp';
    const victim = `${folder}/sbox-test-victim-${process.pid}-${as}`;
    const options = { ...workspace, home: '/etc' };
    try {
      await runOutside(['sh', '-c', `echo original >${victim}`], workspace);
      await runSbox(['run', '-q', '--', 'sh', '-c', `rm -f /etc/hostname; ln -s ${victim} /etc/hostname`], options);
      await runSbox(['run', '-q', '--', 'true'], options);
      expect(readFileSync(victim, 'utf8')).toBe('original\n');
    } finally {
      await runOutside(['rm', '-f', victim], workspace);
    }
  });

  test('a sandbox with a run in it is not removed', async () => {
    const workspace = aWorkspace(as);
    const run = startSbox(['run', '-q', '--name', 'busy', '--', 'sh', '-c', 'touch ~/kept; echo ready; cat'], {
      ...workspace,
      stdin: 'pipe',
    });
    await run.says('ready');
    const removed = await runSbox(['remove', 'busy'], workspace);
    const kept = existsSync(join(workspace.stateHome, 'sbox/sandboxes/busy/home/kept'));
    run.child.stdin?.end();
    await run.ended;
    expect({ code: removed.code, kept }).toEqual({ code: 125, kept: true });
  });

  test('what the command left without permissions does not keep a sandbox from being removed', async () => {
    const workspace = aWorkspace(as);
    workspace.write('data/folder/file', 'x');
    const close = 'mkdir -p ~/a/b; touch ~/a/b/c; chmod 0 ~/a/b ~/a';
    await runSbox(['run', '-q', '--name', 'closed', '--', 'sh', '-c', close], workspace);
    const ephemeral = ['run', '-q', '--ephemeral', '-m', './data:/data:copy', '--', 'sh', '-c'];
    expect(await runSbox([...ephemeral, 'chmod 0 /data/folder; chmod 0 /data; exit 7'], workspace)).toMatchObject({
      code: 7,
    });
    expect((await runSbox(['remove', 'closed'], workspace)).code).toBe(0);
    const left = readdirSync(join(workspace.stateHome, 'sbox'), { recursive: true, encoding: 'utf8' });
    expect(left.filter((path) => /closed|\/copies/.test(path))).toEqual([]);
  });

  test('runs leave nothing in the workspace, in HOME or beside them', async () => {
    const workspace = aWorkspace(as);
    workspace.write('.git/config', '');
    workspace.write('.git/HEAD', 'ref: refs/heads/main\n');
    workspace.write(join(workspace.home, '.gitconfig'), '');
    workspace.write(join(workspace.base, 'data/x'), '');
    const list = async () =>
      (await runOutside(['find', '.', '-not', '-path', './state*'], { ...workspace, cwd: workspace.base })).stdout;
    const before = await list();
    const argv = [
      'run',
      '-q',
      '-m',
      '~/.gitconfig',
      '-m',
      `${workspace.base}/data:/new/place:rw`,
      '-m',
      `${workspace.base}/data:/copy:copy`,
    ];
    expect((await runSbox([...argv, '--', 'true'], workspace)).code).toBe(0);
    expect((await runSbox([...argv, '-m', '/nonexistent', '--', 'true'], workspace)).code).toBe(2);
    expect((await runSbox([...argv, '--', '/nonexistent'], workspace)).code).toBe(127);
    const killed = `timeout -s KILL 0.04 ${sboxCommand([...argv, '--', 'sleep', '5'])
      .map((word) => `'${word}'`)
      .join(' ')}`;
    await runOutside(['sh', '-c', `${killed}; true`], workspace);
    expect(await list()).toBe(before);
    expect(statSync(join(workspace.stateHome, 'sbox')).mode & 0o777).toBe(0o700);
  });
});
