import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listing } from '../../support/listing.ts';
import { processesWith, uniqueDuration, until } from '../../support/processes.ts';
import { aWorkspace, eachUser, runScript, startSbox, type Workspace } from '../../support/sbox.ts';

/** SBOX_TEST_KILLS sets how often sbox is killed in each case. */
const kills = Number(process.env['SBOX_TEST_KILLS'] ?? 30);

const mounts = (): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ').slice(3).join(' '))
    .sort();

/** Names in a folder that sbox may have left there; those of mkdtemp are of tests and builds that run meanwhile, for sbox makes none. */
const ofSbox = (folder: string) =>
  readdirSync(folder).filter((name) => /sbox|interpreter/.test(name) && !/^sbox-[a-z]+-[A-Za-z0-9]{6}$/.test(name));

/** Files that are complete states of something have no such names. */
const temporary = ({ stateHome }: Workspace) =>
  existsSync(stateHome)
    ? listing(stateHome).filter((line) => /\.(tmp|partial)( |\/)|\.\d+ 1006|ephemeral\/.|runs\/./.test(line))
    : [];

const killAtRandom = async (workspace: Workspace, args: readonly string[]): Promise<number> => {
  const delayMs = randomInt(10, 400);
  const duration = uniqueDuration();
  const started = startSbox(
    ['run', '-q', ...args, '--', 'sh', '-c', `sleep ${duration} & exec sleep ${duration}`],
    workspace,
  );
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  process.kill(started.pid, 'SIGKILL');
  expect((await started.ended).signal).toBe('SIGKILL');
  await until(`the end of everything after a kill at ${delayMs} ms`, () => processesWith(duration).length === 0);
  return delayMs;
};

const isGone = async (workspace: Workspace): Promise<void> => {
  await until('the end of every supervisor', () => processesWith(workspace.base).length === 0);
};

eachUser((as) => {
  test('after SIGKILL at any moment nothing is alive, mounted or changed, and the next run works', async () => {
    const workspace = aWorkspace(as);
    workspace.write('file', 'content');
    workspace.write('.vscode/settings.json', '{}');
    await runScript('true', workspace);
    const before = {
      workspace: listing(workspace.cwd),
      mounts: mounts(),
      tmp: ofSbox('/tmp'),
      home: listing(workspace.home),
    };
    const delays: number[] = [];
    for (let round = 0; round < kills; round++) delays.push(await killAtRandom(workspace, []));
    await isGone(workspace);
    const after = {
      workspace: listing(workspace.cwd),
      mounts: mounts(),
      tmp: ofSbox('/tmp'),
      home: listing(workspace.home),
    };
    expect(after, `killed after ${delays} ms`).toEqual(before);
    expect(temporary(workspace), `killed after ${delays} ms`).toEqual([]);
    expect(await runScript('cat file', workspace)).toMatchObject({ code: 0, stdout: 'content', stderr: '' });
  });

  test('the same where the killed run is the first one, which makes the state directory', async () => {
    const left: string[] = [];
    const before = { mounts: mounts(), tmp: ofSbox('/tmp') };
    for (let round = 0; round < kills; round++) {
      const workspace = aWorkspace(as);
      const delayMs = await killAtRandom(workspace, []);
      await isGone(workspace);
      expect(await runScript('echo works; ls -A ~', workspace), `killed after ${delayMs} ms`).toMatchObject({
        code: 0,
        stdout: 'works\n',
        stderr: '',
      });
      left.push(...temporary(workspace).map((line) => `${delayMs} ms: ${line}`));
      expect(listing(workspace.cwd)).toEqual([]);
    }
    expect(left).toEqual([]);
    expect({ mounts: mounts(), tmp: ofSbox('/tmp') }).toEqual(before);
  });

  test('the same with a copy mount, whose copy is whole in the next run', async () => {
    const workspace = aWorkspace(as);
    for (let file = 0; file < 400; file++) workspace.write(join(workspace.base, `data/${file}`), `content ${file}`);
    const flags = ['--mount', `${workspace.base}/data:/data:copy`];
    for (let round = 0; round < Math.ceil(kills / 3); round++) {
      const name = `copy-${round}`;
      const delayMs = await killAtRandom(workspace, [...flags, '--name', name]);
      const ended = await runScript('cat /data/* | wc -l; ls /data | wc -l; cat /data/399', workspace, [
        ...flags,
        '--name',
        name,
      ]);
      expect(ended, `killed after ${delayMs} ms`).toMatchObject({ code: 0, stdout: '0\n400\ncontent 399' });
    }
    expect(temporary(workspace)).toEqual([]);
  });

  test('the same for an ephemeral run: what was to be forgotten is gone after the next run', async () => {
    const workspace = aWorkspace(as);
    workspace.write(join(workspace.base, 'data/file'), 'content');
    const flags = ['--ephemeral', '--mount', `${workspace.base}/data:/data:copy`];
    for (let round = 0; round < Math.ceil(kills / 3); round++) await killAtRandom(workspace, flags);
    await isGone(workspace);
    // a run that had no time to put its name on its folder: another one waits a while before it takes it for dead
    const runs = join(workspace.stateHome, 'sbox/runs');
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of existsSync(runs) ? readdirSync(runs) : []) utimesSync(join(runs, name), longAgo, longAgo);
    expect(await runScript('cat /data/file', workspace, flags)).toMatchObject({ code: 0, stdout: 'content' });
    expect(temporary(workspace)).toEqual([]);
  });
});
