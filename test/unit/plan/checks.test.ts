import { describe, expect, test } from 'vitest';
import { SboxError } from '../../../src/domain/errors.ts';
import type { Facts } from '../../../src/domain/facts.ts';
import type { Invocation } from '../../../src/domain/invocation.ts';
import { checkInvocation } from '../../../src/plan/checks.ts';
import { anInvocation, aProfile, facts } from '../../support/plan-builders.ts';

const refusal = (invocation: Partial<Invocation> = {}, changes: Partial<Facts> = {}, profile = aProfile()) => {
  try {
    checkInvocation(profile, anInvocation(invocation), facts(changes));
  } catch (error) {
    if (!(error instanceof SboxError)) throw error;
    const { code, message, reason, exitCode, problems } = error;
    return { code, message, reason, exitCode, problems: problems.map((problem) => problem.message) };
  }
  return undefined;
};

describe('the workspace', () => {
  test.each([
    ['/', 'it is the root: everything would be writable'],
    ['/home/ann', 'it holds the whole HOME'],
    ['/home', 'it holds the whole HOME'],
    ['/usr', 'it belongs to the system'],
    ['/usr/local/src/x', 'it belongs to the system'],
    ['/etc', 'it belongs to the system'],
    ['/etc/nginx', 'it belongs to the system'],
    ['/bin', 'it belongs to the system'],
    ['/proc/1/cwd', 'it belongs to the system'],
    ['/sys', 'it belongs to the system'],
    ['/dev/shm', 'it belongs to the system'],
    ['/boot', 'it belongs to the system'],
    ['/var', 'it belongs to the system'],
    ['/var/lib', 'it belongs to the system'],
    ['/run', 'it belongs to the system'],
    ['/home/ann/.local', 'sbox\'s own state lies there ("/home/ann/.local/state/sbox")'],
    ['/home/ann/.local/state/sbox', 'sbox\'s own state lies there ("/home/ann/.local/state/sbox")'],
    ['/home/ann/.local/state/sbox/sandboxes/x/home', 'sbox\'s own state lies there ("/home/ann/.local/state/sbox")'],
  ])('%s is refused: %s', (workspace, reason) => {
    expect(refusal({}, { workspace, cwd: workspace })).toEqual({
      code: 'SBOX_E_WORKSPACE',
      message: `cannot use "${workspace}" as the workspace`,
      reason,
      exitCode: 2,
      problems: [],
    });
  });

  test.each(['/home/ann/work', '/srv/project', '/opt/x', '/tmp/x', '/mnt', '/usrx', '/home/bob/shared'])(
    '%s is accepted',
    (workspace) => expect(refusal({}, { workspace })).toBeUndefined(),
  );

  test("/sbox is refused: it is the sandbox's own", () => {
    expect(refusal({}, { workspace: '/sbox' })?.code).toBe('SBOX_E_WORKSPACE');
  });

  test("one that holds sbox's own code is refused", () => {
    expect(refusal({}, { codeDir: '/home/ann/work/node_modules/sbox' })?.reason).toBe(
      'sbox\'s own code lies in it ("/home/ann/work/node_modules/sbox"), where the command could change it',
    );
  });
});

describe('texts', () => {
  test.each<[string, Partial<Invocation>, string]>([
    ['an argument', { command: ['a', 'b\0c'] }, 'argument 1 of the command holds a NUL character'],
    ['the command', { command: ['a\0'] }, 'argument 0 of the command holds a NUL character'],
    ['a variable', { set: { X: '\0' } }, 'the variable X holds a NUL character'],
  ])('a NUL in %s', (_, invocation, problem) => {
    expect(refusal(invocation)).toMatchObject({ code: 'SBOX_E_USAGE', exitCode: 2, problems: [problem] });
  });

  test('a NUL in the working directory', () => {
    expect(refusal({}, { cwd: '/a\0b' })?.problems).toEqual(['the working directory holds a NUL character']);
  });

  test('an empty command word', () => {
    expect(refusal({ command: [''] })).toMatchObject({ exitCode: 2, problems: ['the command is an empty word'] });
  });

  test.each(['', 'A', '-x', '.', '..', '.x', 'a/b', 'a b', '../x', 'é', 'x'.repeat(65)])(
    'the sandbox name "%s" is refused',
    (name) =>
      expect(refusal({ name })).toMatchObject({ exitCode: 2, problems: [`"${name}" is not a name for a sandbox`] }),
  );

  test.each(['a', '0', 'my-sandbox_1.2', 'x'.repeat(64)])('the sandbox name "%s" is accepted', (name) => {
    expect(refusal({ name })).toBeUndefined();
  });

  test('every problem at once', () => {
    expect(refusal({ command: ['', 'a\0'], name: 'X' })?.problems).toEqual([
      'argument 1 of the command holds a NUL character',
      '"X" is not a name for a sandbox',
      'the command is an empty word',
    ]);
  });

  test('an argument longer than the kernel takes is 126, the longest one is accepted', () => {
    expect(refusal({ command: ['x', 'a'.repeat(131_071)] })).toBeUndefined();
    expect(refusal({ command: ['x', 'a'.repeat(131_072)] })).toMatchObject({
      code: 'SBOX_E_NOT_EXECUTABLE',
      exitCode: 126,
      message: 'cannot execute "x": argument 1 of the command is longer than 131071 bytes',
    });
    expect(refusal({ command: ['x', 'é'.repeat(65_536)] })?.exitCode).toBe(126);
  });

  test('a variable longer than the kernel takes, its name counted, is refused', () => {
    expect(refusal({ set: { NAME: 'a'.repeat(131_071 - 'NAME='.length) } })).toBeUndefined();
    expect(refusal({ set: { NAME: 'a'.repeat(131_071 - 'NAME='.length + 1) } })?.exitCode).toBe(126);
  });
});
