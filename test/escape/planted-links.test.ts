import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkspace, eachUser, runOutside, runSbox, runScript, startSbox, type Workspace } from '../support/sbox.ts';

/** A tree beside the workspace that nobody declared, in the form of a toolchain. */
const aSecretTree = (workspace: Workspace): string => {
  const tree = join(workspace.base, 'private');
  workspace.write(join(tree, 'secret'), 'of the operator');
  workspace.write(join(tree, 'bin/tool'), '#!/usr/bin/env bash\necho tool\n', 0o755);
  workspace.mkdir(join(tree, 'lib'));
  return tree;
};
const evil = (tree: string) => `#!/bin/sh\ncat ${tree}/secret\n`;

eachUser((as) => {
  test('a folder of PATH in the workspace that became a link shows nothing outside', async () => {
    const workspace = aWorkspace(as);
    const tree = aSecretTree(workspace);
    workspace.mkdir('.venv/bin');
    const env = { PATH: `${workspace.cwd}/.venv/bin:${process.env['PATH']}` };
    await runScript(`rmdir .venv/bin; ln -s ${tree}/bin .venv/bin`, { ...workspace, env });
    const look = ['cat', `${tree}/secret`];
    expect((await runOutside(look, workspace)).stdout).toBe('of the operator');
    expect((await runSbox(['run', '-q', '--', ...look], { ...workspace, env })).stdout).toBe('');
  });

  test('a program in the workspace that became a link shows nothing outside', async () => {
    const workspace = aWorkspace(as);
    const tree = aSecretTree(workspace);
    const program = workspace.write('agent.sh', '#!/bin/sh\n', 0o755);
    const plant = `ln -sf ${tree}/bin/tool ${program}; mkdir -p ~/.local/bin; printf '%s' "$1" >~/.local/bin/bash; chmod 755 ~/.local/bin/bash`;
    await runSbox(['run', '-q', '--', 'sh', '-c', plant, 'sh', evil(tree)], workspace);
    expect((await runOutside(['./agent.sh'], workspace)).stdout).toBe('tool\n');
    expect((await runSbox(['run', '-q', '--', './agent.sh'], workspace)).stdout).not.toMatch('of the operator');
  });

  test('a program of a PATH folder in the workspace that became a link shows nothing outside', async () => {
    const workspace = aWorkspace(as);
    const tree = aSecretTree(workspace);
    const program = workspace.write('node_modules/.bin/agent', '#!/bin/sh\n', 0o755);
    const env = { PATH: `${workspace.cwd}/node_modules/.bin:${process.env['PATH']}` };
    const plant = `ln -sf ${tree}/bin/tool ${program}; mkdir -p ~/.local/bin; printf '%s' "$1" >~/.local/bin/agent; chmod 755 ~/.local/bin/agent`;
    await runSbox(['run', '-q', '--', 'sh', '-c', plant, 'sh', evil(tree)], workspace);
    expect((await runOutside(['agent'], { ...workspace, env })).stdout).toBe('tool\n');
    const inside = await runSbox(['run', '-q', '--', 'agent'], { ...workspace, env });
    expect(inside.stdout).not.toMatch('of the operator');
  });

  test('a declared source that became a link in the workspace is refused, for every mode', async () => {
    const workspace = aWorkspace(as);
    const tree = aSecretTree(workspace);
    workspace.mkdir('fixtures');
    await runScript(`rmdir fixtures; ln -s ${tree} fixtures`, workspace);
    for (const mode of ['ro', 'rw', 'copy']) {
      const ended = await runSbox(
        ['run', '-q', '-m', `./fixtures:/data:${mode}`, '--', 'cat', '/data/secret'],
        workspace,
      );
      expect(ended).toMatchObject({ stdout: '', code: 2 });
      expect(ended.stderr).toMatch('symbolic link');
    }
  });

  test('a link planted in HOME in the place of a mount target stops the next run, and nothing appears outside', async () => {
    const workspace = aWorkspace(as);
    workspace.write(join(workspace.home, '.config/tool/settings'), 'settings');
    const target = workspace.mkdir(join(workspace.base, 'elsewhere'));
    await runScript(`ln -s ${target} ~/.config; ln -s ${target}/made ~/.cache`, workspace);
    const ended = await runSbox(
      ['run', '-q', '-m', '~/.config/tool/settings', '--', 'cat', join(workspace.home, '.config/tool/settings')],
      workspace,
    );
    expect(ended).toMatchObject({ stdout: '', code: 125 });
    expect(ended.stderr).toMatch('ELOOP');
    expect(readdirSync(target)).toEqual([]);
  });

  test('a workspace that became a link between two runs leads nowhere else', async () => {
    const workspace = aWorkspace(as);
    const tree = aSecretTree(workspace);
    workspace.mkdir('sub/project');
    await runScript(`rm -r sub/project; ln -s ${tree} sub/project`, workspace);
    const ended = await runSbox(['run', '-q', '-m', './sub/project:/p:rw', '--', 'touch', '/p/pwned'], workspace);
    expect(ended.code).toBe(2);
    expect(existsSync(join(tree, 'pwned'))).toBe(false);
  });

  test('mounts whose source is swapped for a link all the time never show what the link leads to', async () => {
    const workspace = aWorkspace(as);
    const tree = aSecretTree(workspace);
    workspace.write('a/b/secret', 'public');
    symlinkSync(tree, join(workspace.cwd, 'link'));
    workspace.write(join(tree, 'b/secret'), 'of the operator');
    const swap = swapping(workspace, 'a', 'link');
    await swap.says('ready');
    for (let round = 0; round < 30; round++) {
      const ended = await runSbox(['run', '-q', '--ephemeral', '-m', './a/b:/data', '--', 'cat', '/data/secret'], {
        ...workspace,
      });
      expect(ended.stdout).not.toMatch('operator');
    }
    swap.child.kill('SIGKILL');
    await swap.ended;
  });

  test('targets in HOME that are swapped for a link all the time never make anything outside', async () => {
    const workspace = aWorkspace(as);
    const data = workspace.write(join(workspace.base, 'data/file'), 'data');
    const outside = workspace.mkdir(join(workspace.base, 'elsewhere'));
    await runScript(`mkdir -p ~/a; ln -s ${outside} ~/link`, workspace);
    const swap = swapping(workspace, `${workspace.home}/a`, `${workspace.home}/link`);
    await swap.says('ready');
    let [mounted, round] = [0, 0];
    // until the swapping was in the way, and was not
    for (; round < 40 || (round < 400 && (mounted === 0 || mounted === round)); round++) {
      const target = `${workspace.home}/a/b${round}/file`;
      const ended = await runSbox(['run', '-q', '-m', `${data}:${target}`, '--', 'true'], workspace);
      if (ended.code === 0) mounted++;
      expect(readdirSync(outside)).toEqual([]);
    }
    swap.child.kill('SIGKILL');
    await swap.ended;
    expect(mounted).toBeGreaterThan(0);
    expect(mounted).toBeLessThan(round);
  });

  test('copies whose source is swapped for a link all the time never hold what the link leads to', async () => {
    const workspace = aWorkspace(as);
    const tree = aSecretTree(workspace);
    workspace.write('a/b/secret', 'public');
    symlinkSync(tree, join(workspace.cwd, 'link'));
    workspace.write(join(tree, 'b/secret'), 'of the operator');
    expect(readFileSync(join(workspace.cwd, 'link/b/secret'), 'utf8')).toBe('of the operator');
    const swap = swapping(workspace, 'a', 'link');
    await swap.says('ready');
    const said: string[] = [];
    for (let round = 0; round < 100; round++) {
      const argv = ['run', '-q', '--ephemeral', '-m', './a/b:/data:copy', '--', 'cat', '/data/secret'];
      said.push((await runSbox(argv, workspace)).stdout);
    }
    swap.child.kill('SIGKILL');
    await swap.ended;
    expect(said).not.toContain('of the operator');
  });
});

/** A command inside that exchanges two names of the workspace as fast as it can (renameat2(2), RENAME_EXCHANGE). */
const swapping = (workspace: Workspace, one: string, other: string) => {
  const script = `import ctypes
c=ctypes.CDLL(None); print("ready",flush=True)
while True: c.renameat2(-100,b"${one}",-100,b"${other}",2)`;
  return startSbox(['run', '-q', '--', 'python3', '-c', script], workspace);
};
