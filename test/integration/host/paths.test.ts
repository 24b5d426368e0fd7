import { chmodSync, realpathSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { probePath } from '../../../src/host/paths.ts';
import { aTree, dir, link } from '../../support/trees.ts';
import { identityOf } from '../../support/users.ts';

test('a file and a directory are what they are, without links on the way', () => {
  const root = aTree({ 'a/file': 'x' });
  expect(probePath(join(root, 'a'))).toEqual({ kind: 'dir', real: join(root, 'a'), links: [] });
  expect(probePath(join(root, 'a/file'))).toEqual({ kind: 'file', real: join(root, 'a/file'), links: [] });
  expect(probePath('/')).toEqual({ kind: 'dir', real: '/', links: [] });
});

test('every link on the way is told, in order, the last component included', () => {
  const root = aTree({
    'real/deep/file': 'x',
    one: link('real'),
    'real/two': link('~/real/deep'),
    three: link('one/two/file'),
  });
  expect(probePath(join(root, 'three'))).toEqual({
    kind: 'file',
    real: join(root, 'real/deep/file'),
    links: [join(root, 'three'), join(root, 'one'), join(root, 'real/two')],
  });
});

test('a link with dots is resolved as the kernel does', () => {
  const root = aTree({ 'a/b/here': link('../../c/./file'), 'c/file': 'x' });
  const path = join(root, 'a/b/here');
  expect(probePath(path)).toEqual({ kind: 'file', real: realpathSync.native(path), links: [path] });
});

test('a link whose text goes through another link and back is resolved as the kernel does', () => {
  const root = aTree({
    'a/odd': link('side/../file'),
    'a/side': link('~/b/c'),
    'b/c': dir,
    'b/file': 'x',
    'a/file': 'y',
  });
  const path = join(root, 'a/odd');
  expect(realpathSync.native(path)).toBe(join(root, 'b/file'));
  expect(probePath(path)).toEqual({
    kind: 'file',
    real: join(root, 'b/file'),
    links: [path, join(root, 'a/side')],
  });
});

describe('as the kernel', () => {
  /** What stat(2) and realpath(3) make of a path. */
  const askKernel = (path: string): string => {
    try {
      return `${statSync(path).isDirectory() ? 'dir' : 'file'} ${realpathSync.native(path)}`;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? '';
    }
  };
  const ask = (path: string): string => {
    const fact = probePath(path);
    return fact.kind === 'missing' ? fact.errno : `${fact.kind} ${fact.real}`;
  };

  test.each<[string, string]>([
    ['up from a folder behind a link', 'to-deep/../file'],
    ['up through two', 'to-deep/../../top'],
    ['up behind a link in a link', 'odd'],
    ['up above the root', '../../../../../../../../../../../../etc'],
    ['a slash behind a link to a folder', 'to-deep/'],
    ['up from what is missing', 'none/../top'],
    ['up from a link to nowhere', 'dangling/../top'],
    ['up from a link in a loop', 'loop/../top'],
    ['a link to the root and down', 'root/etc/..'],
    ['dots and doubled slashes', './/a/./b/..//b/deep/../..'],
  ])('%s: %s', (_, path) => {
    const root = aTree({
      top: 'x',
      'a/file': 'x',
      'a/b/deep/file': 'x',
      'a/b/file': 'x',
      'to-deep': link('a/b/deep'),
      odd: link('to-deep/../../file'),
      dangling: link('nowhere'),
      loop: link('loop'),
      root: link('/'),
    });
    expect(ask(`${root}/${path}`)).toBe(askKernel(`${root}/${path}`));
  });

  test('up from a file in the text of a link', () => {
    const path = join(aTree({ top: 'x', link: link('top/../top') }), 'link');
    expect(ask(path)).toBe(askKernel(path));
  });

  test('random trees of links', () => {
    let seed = 1;
    const next = (below: number) => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed % below;
    };
    const folders = ['a', 'a/b', 'a/b/c', 'd', 'd/e'];
    const names = [
      ...folders,
      ...folders.map((folder) => `${folder}/file`),
      'l0',
      'a/l1',
      'a/b/l2',
      'd/l3',
      'd/e/l4',
      'l5',
    ];
    const pieces = ['..', '.', 'a', 'b', 'c', 'd', 'e', 'file', 'l0', 'l1', 'l2', 'l3', 'l4', 'l5', 'none'];
    const path = () => Array.from({ length: 1 + next(4) }, () => pieces[next(pieces.length)]).join('/');
    const seen = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const root = aTree({
        ...Object.fromEntries(folders.map((folder) => [`${folder}/file`, 'x'])),
        ...Object.fromEntries(
          names.filter((name) => /l\d$/.test(name)).map((name) => [name, link(next(6) === 0 ? `~/${path()}` : path())]),
        ),
      });
      for (let asked = 0; asked < 25; asked++) {
        const place = `${root}/${path()}`;
        const said = askKernel(place);
        expect({ place, said: ask(place) }).toEqual({ place, said });
        seen.add(said.replace(/ .*/, ''));
      }
    }
    expect([...seen].sort()).toEqual(['ELOOP', 'ENOENT', 'ENOTDIR', 'dir', 'file']);
  });
});

test('what is missing is missing, with the links on the way to it', () => {
  const root = aTree({ dangling: link('nowhere/at/all'), file: 'x' });
  expect(probePath(join(root, 'none'))).toEqual({ kind: 'missing', errno: 'ENOENT', links: [] });
  expect(probePath(join(root, 'dangling'))).toEqual({
    kind: 'missing',
    errno: 'ENOENT',
    links: [join(root, 'dangling')],
  });
  expect(probePath(join(root, 'file/below'))).toEqual({ kind: 'missing', errno: 'ENOTDIR', links: [] });
});

test('a loop of links ends', () => {
  const root = aTree({ a: link('b'), b: link('a'), self: link('self/x') });
  expect(probePath(join(root, 'a'))).toMatchObject({ kind: 'missing', errno: 'ELOOP' });
  expect(probePath(join(root, 'self'))).toMatchObject({ kind: 'missing', errno: 'ELOOP' });
});

test('40 links are followed, as the kernel does, and not one more', () => {
  const chain = (length: number) =>
    aTree({
      end: 'x',
      ...Object.fromEntries(Array.from({ length }, (_, at) => [`l${at}`, link(at === 0 ? 'end' : `l${at - 1}`)])),
    });
  expect(probePath(join(chain(40), 'l39'))).toMatchObject({ kind: 'file' });
  expect(probePath(join(chain(41), 'l40'))).toMatchObject({ kind: 'missing', errno: 'ELOOP' });
});

test('a socket is neither a file nor a directory', async () => {
  const path = join(aTree({}), 'socket');
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  expect(probePath(path)).toEqual({ kind: 'other', real: path, links: [] });
  await new Promise((resolve) => server.close(resolve));
});

test('names with odd characters are names', () => {
  const name = ' a\n"b\' \u{1f600} ';
  const root = aTree({ [name]: 'x' });
  expect(probePath(join(root, name))).toMatchObject({ kind: 'file', real: join(root, name) });
});

test('what an ordinary user may not look into can not be reached', () => {
  const root = aTree({ 'locked/file': 'x' });
  chmodSync(join(root, 'locked'), 0);
  const { uid, gid } = identityOf('user');
  const before = { uid: process.geteuid?.() ?? uid, gid: process.getegid?.() ?? gid };
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    expect(probePath(join(root, 'locked/file'))).toEqual({ kind: 'missing', errno: 'EACCES', links: [] });
    expect(probePath(join(root, 'locked'))).toMatchObject({ kind: 'dir' });
  } finally {
    process.seteuid?.(before.uid);
    process.setegid?.(before.gid);
    chmodSync(join(root, 'locked'), 0o755);
  }
});
