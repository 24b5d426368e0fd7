import { describe, expect, test } from 'vitest';
import { planNext } from '../../../src/plan/next.ts';
import { planRun } from '../../../src/plan/plan.ts';
import { anInvocation, aProfile, facts } from '../../support/plan-builders.ts';

const plan = { ...planRun(aProfile(), anInvocation(), facts()), env: { A: 'a', PATH: '/x:/y', PWD: '/home/ann/work' } };
const problemsOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    const { code, problems } = error as { code: string; problems: { message: string }[] };
    return { code, problems: problems.map(({ message }) => message) };
  }
};

describe('the next command', () => {
  test('changes what is its own, and nothing else', () => {
    const next = planNext(plan, { argv: ['go', 'on'], cwd: 'sub', env: { B: 'b', A: undefined }, timeoutMs: 5 });
    expect(next).toEqual({
      ...plan,
      cwd: '/home/ann/work/sub',
      command: { argv: ['go', 'on'], candidates: ['/x/go', '/y/go'] },
      env: { B: 'b', PATH: '/x:/y', PWD: '/home/ann/work/sub' },
      limits: { timeoutMs: 5 },
    });
  });

  test.each([
    ['./go', undefined, '/home/ann/work/go'],
    ['./go', '/tmp', '/tmp/go'],
    ['/bin/go', '/tmp', '/bin/go'],
    ['../go', 'sub/deep', '/home/ann/work/sub/go'],
  ])('%s in %s is %s', (name, cwd, path) => {
    expect(planNext(plan, { argv: [name], ...(cwd !== undefined && { cwd }) }).command.candidates).toEqual([path]);
  });

  test('is looked for on the PATH that it gets', () => {
    expect(planNext(plan, { argv: ['go'], env: { PATH: '/z' } }).command.candidates).toEqual(['/z/go']);
  });

  test("has no longer time than the sandbox's own limit", () => {
    const limited = { ...plan, limits: { timeoutMs: 100 } };
    expect(planNext(limited, { argv: ['go'], timeoutMs: 1000 }).limits.timeoutMs).toBe(100);
    expect(planNext(limited, { argv: ['go'], timeoutMs: 10 }).limits.timeoutMs).toBe(10);
    expect(planNext(limited, { argv: ['go'] }).limits.timeoutMs).toBe(100);
  });

  test('is refused with every problem at once', () => {
    expect(problemsOf(() => planNext(plan, { argv: ['', 'a\0b'], env: { 'A B': 'x', C: '\0' }, cwd: 'x\0' }))).toEqual({
      code: 'SBOX_E_USAGE',
      problems: [
        'argument 1 of the command holds a NUL character',
        'the variable C holds a NUL character',
        'the working directory holds a NUL character',
        '"A B" is not a name for a variable',
        'the command is an empty word',
      ],
    });
  });

  test.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('%d is no time limit', (timeoutMs) => {
    expect(problemsOf(() => planNext(plan, { argv: ['go'], timeoutMs }))).toMatchObject({ code: 'SBOX_E_USAGE' });
  });

  test('an argument longer than the kernel takes is refused', () => {
    expect(problemsOf(() => planNext(plan, { argv: ['go', 'x'.repeat(200_000)] }))).toMatchObject({
      code: 'SBOX_E_NOT_EXECUTABLE',
    });
  });
});
