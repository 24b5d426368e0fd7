import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyTree } from '../../../src/session/copy-tree.ts';
import { aTree, dir, link, program } from '../../support/trees.ts';

/** Everything below a folder: `path kind mode content`. */
const listing = (root: string): string[] =>
  (readdirSync(root, { recursive: true }) as string[]).sort().map((path) => {
    const entry = lstatSync(join(root, path));
    const mode = (entry.mode & 0o7777).toString(8);
    if (entry.isSymbolicLink()) return `${path} -> ${readlinkSync(join(root, path))}`;
    return entry.isDirectory() ? `${path}/ ${mode}` : `${path} ${mode} ${readFileSync(join(root, path), 'latin1')}`;
  });

test('files, directories, links and permissions are copied', () => {
  const root = aTree({
    'from/a/deep/file': 'content',
    'from/a/run': program('#!/bin/sh\n'),
    'from/empty': dir,
    'from/link': link('a/deep/file'),
    'from/dangling': link('/nowhere'),
    'from/ odd\nname \u{1f600}': 'x',
  });
  chmodSync(join(root, 'from/a/deep/file'), 0o640);
  chmodSync(join(root, 'from/empty'), 0o2750);
  copyTree(join(root, 'from'), join(root, 'to'));
  expect(listing(join(root, 'to'))).toEqual(listing(join(root, 'from')));
});

test('a single file is copied, and is a file of its own', () => {
  const root = aTree({ file: 'before' });
  copyTree(join(root, 'file'), join(root, 'copy'));
  writeFileSync(join(root, 'copy'), 'after');
  expect(readFileSync(join(root, 'file'), 'utf8')).toBe('before');
});

test('a link is copied as a link, never what it points to', () => {
  const root = aTree({ secret: 'secret', here: link('~/secret') });
  copyTree(join(root, 'here'), join(root, 'copy'));
  expect(readlinkSync(join(root, 'copy'))).toBe(join(root, 'secret'));
});

test('pipes and sockets are left out', () => {
  const root = aTree({ 'from/file': 'x' });
  execFileSync('mkfifo', [join(root, 'from/pipe')]);
  copyTree(join(root, 'from'), join(root, 'to'));
  expect(listing(join(root, 'to'))).toEqual(['file 644 x']);
});

test('the owner can write to what was read-only, so that it can be removed again', () => {
  const root = aTree({ 'from/locked/file': 'x' });
  chmodSync(join(root, 'from/locked/file'), 0o444);
  chmodSync(join(root, 'from/locked'), 0o555);
  copyTree(join(root, 'from'), join(root, 'to'));
  chmodSync(join(root, 'from/locked'), 0o755);
  expect(listing(join(root, 'to'))).toEqual(['locked/ 755', 'locked/file 644 x']);
});

test('a setuid bit of a file is not copied', () => {
  const root = aTree({ file: program() });
  chmodSync(join(root, 'file'), 0o4755);
  expect(lstatSync(join(root, 'file')).mode & 0o7777).toBe(0o4755);
  copyTree(join(root, 'file'), join(root, 'copy'));
  expect(lstatSync(join(root, 'copy')).mode & 0o7777).toBe(0o755);
});

test('what exists already is not overwritten', () => {
  const root = aTree({ file: 'new', copy: 'old', folder: dir });
  expect(() => copyTree(join(root, 'file'), join(root, 'copy'))).toThrow('EEXIST');
  expect(() => copyTree(join(root, 'folder'), join(root, 'copy'))).toThrow('EEXIST');
  expect(readFileSync(join(root, 'copy'), 'utf8')).toBe('old');
});

test('a source that is missing is an error', () => {
  expect(() => copyTree('/nonexistent/x', '/nonexistent/y')).toThrow('ENOENT');
});
