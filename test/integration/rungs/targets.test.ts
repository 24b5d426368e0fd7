import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Facts, HostEntry } from '../../../src/domain/facts.ts';
import { probePath } from '../../../src/host/paths.ts';
import { probeSystem } from '../../../src/host/system.ts';
import { planRun } from '../../../src/plan/plan.ts';
import type { LaunchEnd } from '../../../src/rungs/launch.ts';
import { startPlan } from '../../../src/rungs/start.ts';
import { renderExecutable } from '../../../src/syscall/elf.ts';
import { aMount, anInvocation, aProfile, facts } from '../../support/plan-builders.ts';
import { aTree, dir } from '../../support/trees.ts';

/** Not /tmp, which the new root covers while it is put together. */
const hostFolder = '/var/tmp';
const arch = process.arch === 'arm64' ? 'arm64' : 'x64';

/** Runs true(1) in a root with further entries of the system and one mount of a directory, as whoever runs the tests. */
const launchWith = async (tree: string, entries: readonly HostEntry[], target: string): Promise<LaunchEnd> => {
  const executable = join(tree, 'interpreter');
  writeFileSync(executable, renderExecutable(arch));
  chmodSync(executable, 0o755);
  const host: Partial<Facts> = {
    arch,
    user: { ...facts().user, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    workspace: join(tree, 'work'),
    cwd: join(tree, 'work'),
    system: [...probeSystem(), ...entries],
    etc: [],
    paths: Object.fromEntries([join(tree, 'data'), target].map((path) => [path, probePath(path)])),
  };
  const plan = planRun(
    aProfile(),
    anInvocation({ ephemeral: true, mounts: [aMount(join(tree, 'data'), 'ro', target)] }),
    facts(host),
  );
  return await startPlan(plan, { arch, landlockAbi: 0 }, executable, ['ignore', 'ignore', 'inherit']).ended;
};

test('a mount has its mount point made in the sandbox, and nothing on the host', async () => {
  const tree = aTree({ work: dir, data: dir, outside: dir }, hostFolder);
  expect(await launchWith(tree, [], join(tree, 'outside/made'))).toEqual({ kind: 'status', status: 0 });
  expect(readdirSync(join(tree, 'outside'))).toEqual([]);
});

test('nor where the target lies behind a link of the system with an absolute text', async () => {
  const tree = aTree({ work: dir, data: dir, outside: dir }, hostFolder);
  const link = { path: '/sbox-test-link', kind: 'link', text: join(tree, 'outside') } as const;
  expect(await launchWith(tree, [link], '/sbox-test-link/made')).toMatchObject({
    kind: 'failure',
    error: { code: 'SBOX_E_MOUNT', message: 'cannot mount "/sbox-test-link/made": ELOOP' },
  });
  expect(readdirSync(join(tree, 'outside'))).toEqual([]);
});
