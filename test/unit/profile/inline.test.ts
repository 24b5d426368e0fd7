import { describe, expect, test } from 'vitest';
import type { Policy, PolicyDocument } from '../../../src/library/config.ts';
import { readInlineLayer } from '../../../src/profile/inline.ts';
import type { DocumentValue } from '../../../src/profile/schema.ts';

const refusal = async (value: unknown, name = ''): Promise<unknown> => {
  const error = await readInlineLayer({ name, value, base: '/work' }).catch((thrown) => thrown);
  const { code, problems } = error as { code: string; problems: { message: string }[] };
  return { code, problems: problems.map(({ message }) => message) };
};

describe('a document as a value', () => {
  test('becomes a layer whose parts tell where they stand', async () => {
    const value = { mounts: ['./data:/data:rw'], network: { mode: 'limited', allow: ['a.test', 'b.test:8443'] } };
    expect(await readInlineLayer({ name: 'policy', value, base: '/work' })).toMatchObject({
      file: 'policy',
      mounts: [{ source: './data', target: '/data', mode: 'rw', base: '/work', origin: 'policy.mounts[0]' }],
      network: {
        mode: 'limited',
        allow: [{ origin: 'policy.network.allow[0]' }, { origin: 'policy.network.allow[1]' }],
      },
    });
  });

  test('is refused with every problem and its path', async () => {
    const value = { mounts: ['/a', { source: 1 }], network: { allow: ['*'] }, 'odd key': 1, limits: { memory: 'x' } };
    const { problems } = (await refusal(value, 'policy')) as { problems: string[] };
    expect(problems.map((text) => /^policy(\.\w+|\[[^\]]*\])*/.exec(text)?.[0])).toEqual([
      'policy.mounts[1].source',
      'policy.network.allow[0]',
      'policy["odd key"]',
      'policy.limits.memory',
    ]);
  });

  test('has paths of its own where it has no name', async () => {
    const { problems } = (await refusal({ network: { mode: 'x' } })) as { problems: string[] };
    expect(problems).toEqual([expect.stringMatching(/^network\.mode must be one of/)]);
  });

  test.each<[string, unknown]>([
    ['a function', { network: { deny: [() => 'a.test'] } }],
    ['a symbol', { network: { deny: [Symbol('a.test')] } }],
    ['a number without end', { limits: { processes: 10n } }],
    ['nothing', undefined],
    ['a list', []],
    ['a text', 'text'],
  ])('%s is refused', async (_what, value) => {
    expect(await refusal(value, 'policy')).toMatchObject({ code: 'SBOX_E_PROFILE', problems: [expect.any(String)] });
  });

  test('a value that contains itself is refused', async () => {
    const value: Record<string, unknown> = {};
    value['env'] = value;
    expect(await refusal(value)).toMatchObject({ code: 'SBOX_E_PROFILE' });
  });
});

/** The library's types are written out, for its users have no validator; these lines do not compile if they differ from the schema. */
type Keys<T> = keyof T extends infer K ? K : never;
const sameKeys: Exclude<Keys<DocumentValue>, '$schema' | 'command'> extends Keys<PolicyDocument> ? true : false = true;
const sameParts: Exclude<Keys<NonNullable<DocumentValue['network']>>, never> extends Keys<
  NonNullable<Policy['network']>
>
  ? true
  : false = true;

test("the library's types know every key of the schema", () => {
  expect([sameKeys, sameParts]).toEqual([true, true]);
});
