import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLock } from '../../../src/state/lock.ts';
import { ownIdentity } from '../../../src/state/process-identity.ts';
import { policyFolders } from '../../support/policy-folders.ts';

const lockPath = (): string => join(policyFolders().root, 'x.lock');
const holder = (changes: object): string => JSON.stringify({ ...ownIdentity(), nonce: 'other', ...changes });
const endedPid = (): number => spawnSync('true').pid;

test('a lock is held by one at a time and gone when released', async () => {
  const path = lockPath();
  const first = await openLock(path);
  await expect(openLock(path, 30)).rejects.toMatchObject({
    code: 'SBOX_E_STATE',
    message: `cannot take the lock "${path}": it is held`,
    reason: `process ${process.pid} holds it`,
  });
  first[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
  const second = await openLock(path, 0);
  first[Symbol.dispose]();
  expect(existsSync(path)).toBe(true);
  second[Symbol.dispose]();
});

test('whoever waits gets it next', async () => {
  const path = lockPath();
  const first = await openLock(path);
  const second = openLock(path);
  setTimeout(() => first[Symbol.dispose](), 30);
  (await second)[Symbol.dispose]();
});

test.each([
  ['whose process has ended', () => holder({ pid: endedPid() })],
  ['whose pid belongs to a younger process now', () => holder({ start: '1' })],
  ['from before a reboot', () => holder({ boot: 'other', namespace: 'other' })],
])('a lock %s is taken over', async (_, content) => {
  const path = lockPath();
  writeFileSync(path, content());
  (await openLock(path, 500))[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
  expect(existsSync(`${path}.stale`)).toBe(false);
});

test.each([
  ['of another pid namespace', { namespace: 'pid:[1]' }],
  ['whose holder could not tell its own start', { start: '' }],
])("a lock %s can't be judged, so it holds", async (_, changes) => {
  const path = lockPath();
  writeFileSync(path, holder({ pid: endedPid(), ...changes }));
  await expect(openLock(path, 30)).rejects.toMatchObject({ code: 'SBOX_E_STATE' });
});

test('an empty lock holds while its holder may still write it, then is taken over', async () => {
  const path = lockPath();
  writeFileSync(path, '');
  await expect(openLock(path, 30)).rejects.toMatchObject({ reason: 'its holder is starting or ending' });
  utimesSync(path, new Date(), new Date(Date.now() - 60_000));
  (await openLock(path, 500))[Symbol.dispose]();
});

test('many who find the same stale lock still take turns', async () => {
  const path = lockPath();
  writeFileSync(path, holder({ pid: endedPid() }));
  let inside = 0;
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const lock = await openLock(path);
      expect(++inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside--;
      lock[Symbol.dispose]();
    }),
  );
});

test("a folder that can't be written is an error with the errno", async () => {
  const path = join(policyFolders().root, 'none/x.lock');
  await expect(openLock(path)).rejects.toMatchObject({
    code: 'SBOX_E_STATE',
    message: `cannot create the lock "${path}": ENOENT`,
  });
});

test('a lock names its holder', async () => {
  const path = lockPath();
  const lock = await openLock(path);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
    pid: process.pid,
    start: expect.stringMatching(/^\d+$/),
  });
  lock[Symbol.dispose]();
});
