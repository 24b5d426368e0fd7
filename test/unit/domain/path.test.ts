import { expect, test } from 'vitest';
import { baseOf, isWithin, normalizePath, parentOf, resolvePath } from '../../../src/domain/path.ts';

test.each([
  ['/', '/'],
  ['', '/'],
  ['//a///b//', '/a/b'],
  ['/a/./b/.', '/a/b'],
  ['/a/../b', '/b'],
  ['/../../a', '/a'],
  ['/a/..', '/'],
  ['/...', '/...'],
  ['/a/..b', '/a/..b'],
])('normalizePath %j is %j', (path, expected) => {
  expect(normalizePath(path)).toBe(expected);
  expect(normalizePath(expected)).toBe(expected);
});

test.each([
  ['/w', 'a', '/w/a'],
  ['/w', '../a', '/a'],
  ['/w', '/a/', '/a'],
  ['/', 'a', '/a'],
  ['/w', '.', '/w'],
  ['/w', '', '/w'],
])('resolvePath from %j to %j is %j', (folder, path, expected) => expect(resolvePath(folder, path)).toBe(expected));

test.each([
  ['/a', '/a', true],
  ['/a/b', '/a', true],
  ['/ab', '/a', false],
  ['/a', '/a/b', false],
  ['/a', '/', true],
  ['/', '/', true],
  ['/', '/a', false],
])('%j within %j: %s', (path, folder, expected) => expect(isWithin(path, folder)).toBe(expected));

test.each([
  ['/a/b', '/a', 'b'],
  ['/a', '/', 'a'],
  ['/', '/', ''],
])('%j has the parent %j and the name %j', (path, parent, base) => {
  expect(parentOf(path)).toBe(parent);
  expect(baseOf(path)).toBe(base);
});
