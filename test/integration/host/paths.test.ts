import { chmodSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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

// fails: the text of a link is taken lexically: `..` behind a link in it means the parent of what that link points to
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
