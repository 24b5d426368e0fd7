import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listing } from '../../support/listing.ts';
import { aWorkspace, eachUser, runSbox, runScript } from '../../support/sbox.ts';

const lock = 'mkdir -p ~/locked/deep; echo x > ~/locked/deep/file; chmod 0 ~/locked/deep/file ~/locked/deep ~/locked';

eachUser((as) => {
  test('list shows the sandboxes, remove forgets one with its HOME, whatever modes it was left in', async () => {
    const workspace = aWorkspace(as);
    await runScript(`${lock}; echo kept > ~/note`, workspace, ['--name', 'first']);
    await runScript('echo kept > ~/note', workspace, ['--name', 'second']);
    expect((await runSbox(['list'], workspace)).stdout).toMatch(/first\s(.|\n)*second\s/);
    const removed = await runSbox(['remove', 'first'], workspace);
    expect(removed, removed.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse((await runSbox(['list', '--json'], workspace)).stdout)).toMatchObject([{ name: 'second' }]);
    expect(readdirSync(join(workspace.stateHome, 'sbox/sandboxes'))).toEqual(['second']);
    expect((await runScript('ls -A ~', workspace, ['--name', 'first'])).stdout).toBe('');
    expect((await runScript('cat ~/note', workspace, ['--name', 'second'])).stdout).toBe('kept\n');
  });

  test('an ephemeral run leaves nothing, whatever modes its copies were left in', async () => {
    const workspace = aWorkspace(as);
    workspace.write(join(workspace.base, 'data/deep/file'), 'x');
    const script = 'chmod 0 /data/deep/file /data/deep /data; mkdir -p ~/x';
    const ended = await runScript(script, workspace, ['--ephemeral', '--mount', `${workspace.base}/data:/data:copy`]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(listing(join(workspace.stateHome, 'sbox')).filter((line) => line.includes('deep'))).toEqual([]);
  });

  test('what a command has left behind never keeps a later run from starting', async () => {
    const workspace = aWorkspace(as);
    workspace.write(join(workspace.base, 'data/deep/file'), 'x');
    const flags = ['--ephemeral', '--mount', `${workspace.base}/data:/data:copy`];
    await runScript('chmod 0 /data/deep/file /data/deep /data', workspace, flags);
    const runs = join(workspace.stateHome, 'sbox/runs');
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of existsSync(runs) ? readdirSync(runs) : []) utimesSync(join(runs, name), longAgo, longAgo);
    expect(await runScript('echo ran', workspace, flags)).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' });
  });

  test('a copy of what the user owns works with files that can not be read by others, links and odd modes', async () => {
    const workspace = aWorkspace(as);
    workspace.write(join(workspace.base, 'data/private'), 'x', 0o600);
    workspace.write(join(workspace.base, 'data/program'), '#!/bin/sh\necho ran\n', 0o755);
    workspace.link('private', join(workspace.base, 'data/link'));
    workspace.link('/nowhere', join(workspace.base, 'data/dangling'));
    const script = 'cat /data/link; echo; /data/program; readlink /data/dangling; stat -c %a /data/private';
    const ended = await runScript(script, workspace, ['--mount', `${workspace.base}/data:/data:copy`]);
    expect(ended).toMatchObject({ code: 0, stdout: 'x\nran\n/nowhere\n600\n', stderr: '' });
  });

  test('a HOME that the command has made unusable is told of, and removing the sandbox mends it', async () => {
    const workspace = aWorkspace(as);
    await runScript('chmod 0 ~', workspace, ['--name', 'broken']);
    const next = await runScript('echo ran', workspace, ['--name', 'broken']);
    expect(next).toMatchObject({ code: 0, stdout: 'ran\n' });
    const removed = await runSbox(['remove', 'broken'], workspace);
    expect(removed, removed.stderr).toMatchObject({ code: 0 });
    expect(await runScript('touch ~/file && echo mended', workspace, ['--name', 'broken'])).toMatchObject({
      stdout: 'mended\n',
    });
  });

  test('plan and --dry-run say what a run would do, and run nothing', async () => {
    const workspace = aWorkspace(as);
    const planned = await runSbox(['plan', '--json', '--', 'touch', 'ran'], workspace);
    expect(JSON.parse(planned.stdout)).toMatchObject({ workspace: workspace.cwd, command: { argv: ['touch', 'ran'] } });
    const dry = await runSbox(['run', '--dry-run', '--json', '--', 'touch', 'ran'], workspace);
    expect(JSON.parse(dry.stdout)).toEqual(JSON.parse(planned.stdout));
    const text = await runSbox(['plan', '--', 'touch', 'ran'], workspace);
    expect(text.stdout).toContain(workspace.cwd);
    expect(listing(workspace.cwd)).toEqual([]);
  });

  test('shell opens the shell of the user, which reads commands from a pipe', async () => {
    const options = {
      ...aWorkspace(as),
      env: { SHELL: '/bin/bash' },
      stdin: 'echo "$BASH_VERSION" | head -c 1; exit 6\n',
    };
    expect(await runSbox(['shell', '-q'], options)).toMatchObject({ code: 6, stdout: expect.stringMatching(/^\d/) });
  });

  test('state and HOME are private to the user', async () => {
    const workspace = aWorkspace(as);
    await runScript('umask 0; echo x > ~/file', workspace);
    const lines = listing(join(workspace.stateHome, 'sbox'));
    const open = lines
      .filter((line) => !line.includes('/home/') && / (?:40|100)[0-7]{3} /.test(line))
      .filter((line) => !/ (?:40|100)[0-7]00 /.test(line));
    expect(open).toEqual([]);
  });
});
