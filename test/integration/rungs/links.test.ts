import { chmodSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/domain/facts.ts';
import type { RungName } from '../../../src/domain/rung.ts';
import { probePath } from '../../../src/host/paths.ts';
import { probeSystem } from '../../../src/host/system.ts';
import { planRun } from '../../../src/plan/plan.ts';
import type { LaunchEnd } from '../../../src/rungs/launch.ts';
import { startPlan } from '../../../src/rungs/start.ts';
import { prepareState } from '../../../src/session/prepare.ts';
import { renderExecutable } from '../../../src/syscall/elf.ts';
import { aMount, anInvocation, aProfile, facts } from '../../support/plan-builders.ts';
import { aTree, dir, type Entry } from '../../support/trees.ts';

const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const succeeded: LaunchEnd = { kind: 'status', status: 0 };

/** A user with a HOME that holds these, and the folder that is HOME in the user's one sandbox. */
const aUser = (entries: Readonly<Record<string, Entry>>) => {
  const tree = aTree({ work: dir, home: dir, ...entries }, '/var/tmp');
  const executable = join(tree, 'interpreter');
  writeFileSync(executable, renderExecutable(arch));
  chmodSync(executable, 0o755);
  const home = join(tree, 'state/sandboxes/mine/home');
  let runs = 0;
  /** Runs true(1) with mounts below HOME, as whoever runs the tests. */
  const run = async (rung: RungName, ...declared: readonly string[]): Promise<LaunchEnd> => {
    const place = (path: string) => join(tree, 'home', path);
    const host: Partial<Facts> = {
      arch,
      user: { ...facts().user, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
      home: join(tree, 'home'),
      realHome: join(tree, 'home'),
      stateDir: join(tree, 'state'),
      configDir: join(tree, 'config'),
      runFolder: join(tree, `state/runs/${runs++}`),
      workspace: join(tree, 'work'),
      cwd: join(tree, 'work'),
      system: probeSystem(),
      etc: [],
      paths: Object.fromEntries(declared.map((path) => [place(path), probePath(place(path))])),
    };
    const mounts = declared.map((path) => aMount(place(path), 'rw'));
    const plan = planRun(aProfile(), anInvocation({ name: 'mine', rung, mounts }), facts(host));
    await prepareState(plan);
    return await startPlan(plan, { arch, landlockAbi: 0 }, executable, ['ignore', 'ignore', 'inherit']).ended;
  };
  return { tree, home, run };
};

describe('without a mount namespace, a mount below HOME', () => {
  test('has a link in the HOME of the sandbox, with the folders above it, in every run', async () => {
    const { tree, home, run } = aUser({ 'home/.config/git/config': 'x' });
    for (let again = 0; again < 2; again++) {
      expect(await run('portable', '.config/git')).toEqual(succeeded);
      expect(readlinkSync(join(home, '.config/git'))).toBe(join(tree, 'home/.config/git'));
      expect(readFileSync(join(home, '.config/git/config'), 'utf8')).toBe('x');
    }
  });

  test('may lie in another one', async () => {
    const { home, run } = aUser({ 'home/project/out/file': 'x' });
    expect(await run('portable', 'project', 'project/out')).toEqual(succeeded);
    expect(readFileSync(join(home, 'project/out/file'), 'utf8')).toBe('x');
  });

  test('wins over a folder that an earlier command has made there, or says what to do', async () => {
    const { home, run } = aUser({ 'home/cache/file': 'x' });
    mkdirSync(join(home, 'cache/own'), { recursive: true });
    const end = await run('portable', 'cache');
    if (end.kind === 'failure') {
      expect(end.error.message).toContain(join(home, 'cache'));
      expect(end.error.fix ?? '').toContain('sbox remove');
    } else expect(end).toEqual(succeeded);
  });

  test('does not destroy a file that an earlier command has made there', async () => {
    const { home, run } = aUser({ 'home/notes': 'of the host' });
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, 'notes'), 'of the sandbox');
    await run('portable', 'notes');
    expect(readFileSync(join(home, 'notes'), 'utf8')).toBe('of the sandbox');
  });
});

test('a sandbox may go on on another rung', async () => {
  const { run } = aUser({ 'home/cache/file': 'x' });
  expect(await run('portable', 'cache')).toEqual(succeeded);
  expect(await run('namespaces', 'cache')).toEqual(succeeded);
});
