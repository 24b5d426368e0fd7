import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type AskedPath, resolveShown, shownBy } from '../../../../src/egress/broker/resolve-path.ts';
import { aTree, link } from '../../../support/trees.ts';

/** A workspace, shown beside /proc, and what lies around it. */
const aWorld = () => {
  const root = aTree({
    'work/file': '',
    'work/folder/file': '',
    'work/inside': link('folder'),
    'work/absolute': link('~/work/folder'),
    'work/out': link('~/hidden/folder'),
    'work/nowhere': link('~/hidden/none'),
    'work/round': link('~/hidden/back'),
    'work/loop': link('loop'),
    'work/rooted': link('/file'),
    'work/leaving': link('/../none/below'),
    'work/chain': link('inside/../out/..'),
    'hidden/folder/file': '',
    'hidden/back': link('~/work/file'),
    'hidden-too/file': '',
  });
  symlinkSync(`${root}/hidden`, Buffer.from(`${root}/work/\xff`, 'latin1'));
  const shown = shownBy([`${root}/work`, '/proc']);
  const resolve = (text: string, changes: Partial<AskedPath> = {}) => {
    const asked = { text: text.replaceAll('~', root), from: `${root}/work`, follows: true, pid: process.pid };
    return resolveShown({ ...asked, ...changes }, shown)?.replace(root, '~');
  };
  return { root, shown, resolve };
};

test.each<[string, string | undefined]>([
  ['file', '~/work/file'],
  ['./folder//file', '~/work/folder/file'],
  ['~/work/file', '~/work/file'],
  ['new', '~/work/new'],
  ['new/below', '~/work/new'], // where there is nothing, the kernel ends, too
  ['file/below', '~/work/file/below'],
  ['..', '~'],
  ['/', '/'],
  ['/..', '/'],
  ['../hidden', undefined],
  ['~/hidden/folder/file', undefined],
  ['~/hidden/none', undefined],
  ['../hidden-too/../work/file', undefined],
  ['inside/file', '~/work/folder/file'],
  ['absolute/../file', '~/work/file'],
  ['inside/../file', '~/work/file'],
  ['out', undefined],
  ['out/file', undefined],
  ['out/../../work/file', undefined],
  ['nowhere', undefined],
  ['nowhere/../file', undefined],
  ['round', undefined], // though it leads back
  ['chain', undefined],
  ['loop', '~/work'],
  ['\xff/folder', undefined],
  ['\xfe', '~/work/\xfe'],
])('a path is followed as the kernel does: %j leads to %j', (text, expected) => {
  expect(aWorld().resolve(text)).toBe(expected);
});

test.each<[string, string | undefined]>([
  ['out', '~/work/out'],
  ['nowhere', '~/work/nowhere'],
  ['inside', '~/work/inside'],
  ['out/', undefined],
  ['out/.', undefined],
  ['out/..', undefined],
  ['out/file', undefined],
  ['inside/', '~/work/folder'],
])('where a link at the end is meant itself, %j leads to %j', (text, expected) => {
  expect(aWorld().resolve(text, { follows: false })).toBe(expected);
});

test.each<[string, string | undefined]>([
  ['/file', '~/work/file'],
  ['../../file', '~/work/file'],
  ['rooted', '~/work/file'],
  ['leaving', '~/work/none'],
])('with another root, %j leads to %j', (text, expected) => {
  const { root, resolve } = aWorld();
  expect(resolve(text, { root: `${root}/work` })).toBe(expected);
});

test('a relative path leads nowhere from a folder that is hidden', () => {
  const { root, resolve } = aWorld();
  expect(resolve('../work/file', { from: `${root}/hidden` })).toBeUndefined();
});

test('/proc/self is the caller, and what it has open is no news to it; what another has open may be', async () => {
  const { root, resolve } = aWorld();
  const file = openSync(`${root}/hidden/folder/file`, 'r');
  const folder = openSync(`${root}/hidden/folder`, 'r');
  const own = `/proc/${process.pid}`;
  expect(resolve(`/proc/self/fd/${file}`)).toBe(`${own}/fd/${file}`);
  expect(resolve(`/proc/thread-self/fd/${file}`)).toBe(`${own}/task/${process.pid}/fd/${file}`);
  expect(resolve('/proc/self/root')).toBe(`${own}/root`);
  expect(resolve(`/proc/self/fd/${folder}/file`)).toBeUndefined();
  expect(resolve(`/proc/self/root${root}/hidden`)).toBeUndefined();
  expect(resolve(`/proc/self/root${root}/work/file`)).toBe('~/work/file');
  const other = spawn('sleep', ['60'], { stdio: [file, 'ignore', 'ignore'] });
  await once(other, 'spawn');
  expect(resolve(`/proc/${other.pid}/fd/0`)).toBeUndefined();
  expect(resolve('/proc/self/fd/0', { pid: other.pid ?? 0 })).toBe(`/proc/${other.pid}/fd/0`);
  other.kill();
  await once(other, 'close');
  for (const descriptor of [file, folder]) closeSync(descriptor);
});

test('a path that is too long for the launcher is not decided on', () => {
  const { root, resolve } = aWorld();
  expect(() => resolve('link', { from: `${root}/work${'/folder'.repeat(600)}` })).toThrow('ENAMETOOLONG');
});

test('all that lies in a folder is shown below what was declared, not on the way to it', () => {
  const { root, shown } = aWorld();
  mkdirSync(`${root}/work/ünïcode`);
  for (const path of [`${root}/work`, `${root}/work/folder`, '/proc']) expect(shown.showsAllIn(path)).toBe(true);
  for (const path of ['/', root]) expect([shown.shows(path), shown.showsAllIn(path)]).toEqual([true, false]);
  for (const path of [`${root}/hidden`, `${root}/work-not`]) expect(shown.shows(path)).toBe(false);
  const unicode = shownBy([`${root}/work/ünïcode`]);
  const text = Buffer.from(`${root}/work/ünïcode`).toString('latin1');
  expect(unicode.showsAllIn(text)).toBe(true);
  expect(shownBy(['/']).showsAllIn('/anything')).toBe(true);
});
