import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ownIdentity, type ProcessIdentity } from '../../../src/state/process-identity.ts';
import { openRunFolder } from '../../../src/state/run-folder.ts';
import { aTree, dir, link } from '../../support/trees.ts';

/** Opens a run's folder beside these and tells which are left. */
const openBeside = async (runs: string): Promise<string[]> => {
  await openRunFolder(join(runs, 'own'));
  return readdirSync(runs).sort();
};

const owned = (changes: Partial<ProcessIdentity> = {}): string => JSON.stringify({ ...ownIdentity(), ...changes });

/** A process that has ended, as it was while it ran. */
const endedProcess = async (): Promise<ProcessIdentity> => {
  const child = spawn('sleep', ['30']);
  await new Promise((resolve) => child.once('spawn', resolve));
  const pid = child.pid ?? 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  const identity = { ...ownIdentity(), pid, start };
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
  return identity;
};

const old = (path: string): void => utimesSync(path, new Date(0), new Date(0));

test('the folder of a run is private and names its process', async () => {
  const runs = join(aTree({}), 'runs');
  expect(await openBeside(runs)).toEqual(['own']);
  expect(statSync(join(runs, 'own')).mode & 0o777).toBe(0o700);
  expect(statSync(join(runs, 'own/owner.json')).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(join(runs, 'own/owner.json'), 'utf8'))).toEqual(ownIdentity());
});

describe('a folder beside it', () => {
  test('of a run that goes on is kept', async () => {
    const runs = aTree({ 'other/owner.json': owned(), 'other/tmp/file': 'x' });
    old(join(runs, 'other'));
    expect(await openBeside(runs)).toEqual(['other', 'own']);
    expect(readFileSync(join(runs, 'other/tmp/file'), 'utf8')).toBe('x');
  });

  test('of a process that has ended is removed, whatever is in it', async () => {
    const runs = aTree({
      'other/tmp/deep/file': 'x',
      'other/home/link': link('~/kept'),
      kept: dir,
      'kept/owner.json': owned(),
    });
    writeFileSync(join(runs, 'other/owner.json'), JSON.stringify(await endedProcess()));
    expect(await openBeside(runs)).toEqual(['kept', 'own']);
    expect(existsSync(join(runs, 'kept/owner.json'))).toBe(true);
  });

  test('of a process whose id is used again is removed', async () => {
    expect(await openBeside(aTree({ 'other/owner.json': owned({ start: '1' }) }))).toEqual(['own']);
  });

  test('of another boot is removed', async () => {
    expect(await openBeside(aTree({ 'other/owner.json': owned({ boot: 'another' }) }))).toEqual(['own']);
  });

  test('of another PID namespace is kept: it can not be told whether that process has ended', async () => {
    const runs = aTree({ 'other/owner.json': owned({ namespace: 'pid:[1]', pid: 1, start: '1' }) });
    expect(await openBeside(runs)).toEqual(['other', 'own']);
  });

  test.each([
    ['without an owner', {}],
    ['with half an owner', { 'other/owner.json': '{"pid"' }],
  ])('%s is kept while its run may be about to name itself, and removed later', async (_, entries) => {
    const runs = aTree({ other: dir, ...entries });
    expect(await openBeside(runs)).toEqual(['other', 'own']);
    old(join(runs, 'other'));
    expect(await openBeside(runs)).toEqual(['own']);
  });
});

test('many runs at once keep each other', async () => {
  const runs = aTree({});
  const names = Array.from({ length: 8 }, (_, index) => `run-${index}`);
  await Promise.all(names.map((name) => openRunFolder(join(runs, name))));
  expect(readdirSync(runs).sort()).toEqual(names);
});
