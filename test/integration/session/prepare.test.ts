import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/domain/facts.ts';
import type { Plan } from '../../../src/domain/plan.ts';
import { planRun } from '../../../src/plan/plan.ts';
import { prepareState } from '../../../src/session/prepare.ts';
import { readSandboxes } from '../../../src/state/sandboxes.ts';
import { aMount, anInvocation, aProfile, facts } from '../../support/plan-builders.ts';
import { aTree } from '../../support/trees.ts';

/** A plan whose state lies in a temporary tree, with a copy of the tree's `data`. */
const aPlanIn = (root: string, changes: { readonly ephemeral?: boolean } = {}): Plan => {
  const host: Partial<Facts> = {
    stateDir: join(root, 'state'),
    runFolder: join(root, 'state/runs/1'),
    paths: { [join(root, 'data')]: { kind: 'dir', real: join(root, 'data'), links: [] } },
  };
  const invocation = anInvocation({ name: 'mine', mounts: [aMount(join(root, 'data'), 'copy')], ...changes });
  return planRun(aProfile(), invocation, facts(host));
};
const storeOf = (plan: Plan): string => {
  const copy = plan.mounts.find((mount) => mount.kind === 'copy');
  if (copy?.kind !== 'copy') throw new Error('no copy in the plan');
  return copy.store;
};
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('the first run', () => {
  test('makes a private folder with a home, a record and the copies, and leaves no lock', async () => {
    const root = aTree({ 'data/file': 'x' });
    const plan = aPlanIn(root);
    await prepareState(plan);
    const folder = join(root, 'state/sandboxes/mine');
    expect(plan.sandbox.folder).toBe(folder);
    expect(readdirSync(folder).sort()).toEqual(['copies', 'home', 'record.json']);
    expect([folder, join(folder, 'home'), join(folder, 'copies')].map(modeOf)).toEqual(['700', '700', '700']);
    expect(modeOf(join(folder, 'record.json'))).toBe('600');
    expect(readFileSync(join(storeOf(plan), 'file'), 'utf8')).toBe('x');
    expect(readSandboxes(join(root, 'state'))).toEqual([
      { version: 1, name: 'mine', workspace: '/home/ann/work', created: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
  });

  test('of several at once: one of them makes it, all of them find it', async () => {
    const root = aTree({ 'data/file': 'x' });
    const plan = aPlanIn(root);
    await Promise.all(Array.from({ length: 8 }, () => prepareState(plan)));
    expect(readdirSync(plan.sandbox.folder).sort()).toEqual(['copies', 'home', 'record.json']);
    expect(readdirSync(join(plan.sandbox.folder, 'copies'))).toHaveLength(1);
  });

  test('that was killed while it copied is made good by the next', async () => {
    const root = aTree({ 'data/file': 'whole' });
    const plan = aPlanIn(root);
    const store = storeOf(plan);
    mkdirSync(`${store}.partial`, { recursive: true });
    writeFileSync(join(`${store}.partial`, 'file'), 'torn');
    await prepareState(plan);
    expect(readFileSync(join(store, 'file'), 'utf8')).toBe('whole');
    expect(existsSync(`${store}.partial`)).toBe(false);
  });
});

describe('a later run', () => {
  test('keeps home, record and copies as they are', async () => {
    const root = aTree({ 'data/file': 'host' });
    const plan = aPlanIn(root);
    await prepareState(plan);
    const record = readFileSync(join(plan.sandbox.folder, 'record.json'), 'utf8');
    writeFileSync(join(storeOf(plan), 'file'), 'changed inside');
    writeFileSync(join(plan.sandbox.folder, 'home/.bashrc'), 'own');
    await prepareState(plan);
    expect(readFileSync(join(storeOf(plan), 'file'), 'utf8')).toBe('changed inside');
    expect(readFileSync(join(plan.sandbox.folder, 'home/.bashrc'), 'utf8')).toBe('own');
    expect(readFileSync(join(plan.sandbox.folder, 'record.json'), 'utf8')).toBe(record);
  });
});

test('an ephemeral run has copies and its owner, but no home and no record', async () => {
  const root = aTree({ 'data/file': 'x' });
  const plan = aPlanIn(root, { ephemeral: true });
  await prepareState(plan);
  expect(readdirSync(join(root, 'state/runs/1')).sort()).toEqual(['copies', 'owner.json']);
  expect(readSandboxes(join(root, 'state'))).toEqual([]);
});

describe.each(['landlock', 'portable'] as const)('on the %s rung', (rung) => {
  // there a copy can only be shown where it is, or below HOME
  const aPlanHere = (root: string, ephemeral: boolean): Plan =>
    planRun(
      aProfile(),
      anInvocation({ name: 'mine', rung, ephemeral }),
      facts({ stateDir: join(root, 'state'), runFolder: join(root, 'state/runs/1') }),
    );

  test('a run has private folders of its own for temporary files and tools, beside the sandbox that stays', async () => {
    const root = aTree({});
    await prepareState(aPlanHere(root, false));
    expect(readdirSync(join(root, 'state/runs/1')).sort()).toEqual(['bin', 'owner.json', 'tmp']);
    expect(['', 'bin', 'tmp'].map((name) => modeOf(join(root, 'state/runs/1', name)))).toEqual(['700', '700', '700']);
    expect(readdirSync(join(root, 'state/sandboxes/mine')).sort()).toEqual(['home', 'record.json']);
  });

  test('an ephemeral run has its home there too, and there is no sandbox', async () => {
    const root = aTree({});
    await prepareState(aPlanHere(root, true));
    expect(readdirSync(join(root, 'state/runs/1')).sort()).toEqual(['bin', 'home', 'owner.json', 'tmp']);
    expect(readSandboxes(join(root, 'state'))).toEqual([]);
    expect(existsSync(join(root, 'state/sandboxes'))).toBe(false);
  });
});

test('a copy that fails is an error with its place, and leaves nothing half done', async () => {
  const root = aTree({ 'data/file': 'x' });
  const plan = aPlanIn(root);
  const gone = {
    ...plan,
    mounts: plan.mounts.map((mount) => (mount.kind === 'copy' ? { ...mount, source: join(root, 'gone') } : mount)),
  };
  await expect(prepareState(gone)).rejects.toMatchObject({
    code: 'SBOX_E_STATE',
    message: `cannot copy "${join(root, 'gone')}": ENOENT`,
  });
  expect(readdirSync(join(plan.sandbox.folder, 'copies'))).toEqual([]);
});
