import { expect, test } from 'vitest';
import {
  parsePass,
  parseProfileName,
  parseProgram,
  parseProtectedPath,
  parseVariable,
} from '../../../src/domain/names.ts';
import { nearest } from '../../../src/domain/nearest.ts';

const taken = (value: string) => ({ value });
const refused = { problem: expect.any(String), hint: expect.any(String) };

test.each(['A', '_', 'npm_config_x', 'A1'])('%s names a variable', (text) =>
  expect(parseVariable(text)).toEqual(taken(text)),
);
test.each(['', '1A', 'A-B', 'A B', 'A=B', 'LC_*', 'Ä', 'A\n'])('%j does not name a variable', (text) =>
  expect(parseVariable(text)).toEqual(refused),
);

test.each(['A', 'LC_*'])('%s may be passed', (text) => expect(parsePass(text)).toEqual(taken(text)));
test.each(['*', 'A*B', '**', 'A**', '', '*A', '1*'])('%j may not be passed', (text) =>
  expect(parsePass(text)).toEqual(refused),
);

test.each(['node', 'claude-code', '3d', 'a'])('%s names a profile', (text) =>
  expect(parseProfileName(text)).toEqual(taken(text)),
);
test.each(['', '-a', 'Node', '../x', 'a/b', 'a.json', 'a_b', '.', 'a\n'])('%j does not name a profile', (text) =>
  expect(parseProfileName(text)).toEqual(refused),
);
test('a capital or an ending is a slip', () =>
  expect(parseProfileName('Node.json')).toEqual({
    problem: '"Node.json" is not the name of a profile',
    hint: 'did you mean "node"?',
  }));

test.each(['git', 'g++', '['])('%s names a program', (text) => expect(parseProgram(text)).toEqual(taken(text)));
test.each(['', '.', '..', '/bin/sh', './x'])('%j does not name a program', (text) =>
  expect(parseProgram(text)).toEqual(refused),
);

test.each([
  ['.git/hooks', '.git/hooks'],
  ['./a//b/', 'a/b'],
  ['..a', '..a'],
  ['a b', 'a b'],
])('the protected path %s is %s', (text, value) => expect(parseProtectedPath(text)).toEqual({ value }));
test.each([
  ['/etc/passwd', '"/etc/passwd" must be relative to the workspace', 'write "etc/passwd"'],
  ['a/../../b', '"a/../../b" leads out of the workspace', 'remove ".."'],
  ['', '"" names the workspace itself', 'name a path in it, for example ".git/hooks"'],
  ['./', '"./" names the workspace itself', 'name a path in it, for example ".git/hooks"'],
])('the protected path %j is refused', (text, problem, hint) =>
  expect(parseProtectedPath(text)).toEqual({ problem, hint }),
);

test.each([
  ['netwrok', 'network'],
  ['mount', 'mounts'],
  ['LIMITS', 'limits'],
  ['ntework', 'network'],
  ['zebra', undefined],
  ['', undefined],
  ['x'.repeat(1_000_000), undefined],
])('%.20s is nearest to %s', (word, near) => expect(nearest(word, ['mounts', 'network', 'limits', 'env'])).toBe(near));
