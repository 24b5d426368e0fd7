import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decisivePart, parsePlaceholder } from '../../../src/credentials/placeholder.ts';

const placeholderOf = (secret: string): string => {
  const parsed = parsePlaceholder(secret);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
};

describe('a placeholder', () => {
  test.each([
    ['sk-ant-api03-abcDEF0123456789abcDEF0123456789-xyzAA', /^sk-ant-api03-[A-Za-z0-9]{32}-[A-Za-z0-9]{5}$/],
    ['sk-ant-oat01-abcDEF0123456789abcDEF0123456789_xyzAA', /^sk-ant-oat01-[A-Za-z0-9]{32}_[A-Za-z0-9]{5}$/],
    ['sk-proj-abcDEF0123456789', /^sk-proj-[A-Za-z0-9]{16}$/],
    ['sk-or-v1-0123456789abcdef0123456789abcdef', /^sk-or-v1-[0-9a-f]{32}$/],
    ['ghp_abcDEF0123456789abcDEF0123456789abcd', /^ghp_[A-Za-z0-9]{36}$/],
    ['github_pat_11ABCDEFG0abcdefghijkl_0123456789', /^github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{10}$/],
    ['npm_abcDEF0123456789abcDEF0123456789abcd', /^npm_[A-Za-z0-9]{36}$/],
    ['pypi-AbcDEF0123456789_abc-DEF', /^pypi-[A-Za-z0-9]{16}_[A-Za-z0-9]{3}-[A-Za-z0-9]{3}$/],
    ['hf_abcdefghijklmnopqrstuvwxyz', /^hf_[a-z]{26}$/],
    ['AIzaSyA0123456789_abcdefghij-ABCDEFGHIJ', /^AIza[A-Za-z0-9]{13}_[A-Za-z0-9]{10}-[A-Za-z0-9]{10}$/],
    ['0123456789ABCDEF0123456789ABCDEF', /^0[0-9A-F]{31}$/],
    ['a+b/c=d0123456789', /^a\+[a-z0-9]\/[a-z0-9]=[a-z0-9]{11}$/],
  ])('of %s has its prefix, length and alphabet', (secret, form) => {
    const placeholder = placeholderOf(secret);
    expect(placeholder).toMatch(form);
    expect(placeholder).toHaveLength(secret.length);
    expect(placeholder).not.toBe(secret);
  });

  test('of a web token keeps three parts and the claims; the signature is another', () => {
    const claims = Buffer.from('{"exp":1,"email":"a@b.test"}').toString('base64url');
    const token = `eyJhbGciOiJFUzI1NiJ9.${claims}.${randomBytes(64).toString('base64url')}`;
    const placeholder = placeholderOf(token);
    const [head, body, signature] = placeholder.split('.');
    expect([head, body]).toEqual(token.split('.').slice(0, 2));
    expect(signature).toHaveLength(86);
    expect(signature).not.toBe(decisivePart(token));
  });

  test('is another one each time, and never shares five characters in a row with the secret', () => {
    const secret = `sk-ant-api03-${randomBytes(70).toString('base64url')}`;
    const all = Array.from({ length: 50 }, () => placeholderOf(secret));
    expect(new Set(all).size).toBe(50);
    for (const one of all) {
      for (let i = 13; i + 5 <= secret.length; i++) {
        if (/^[A-Za-z0-9]{5}$/.test(secret.slice(i, i + 5)))
          expect(one.slice(i, i + 5)).not.toBe(secret.slice(i, i + 5));
      }
    }
  });

  test('that chance made equal to the secret is drawn again', () => {
    const secret = 'sk-aaaaaaaaaaaab';
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const wanted = [...'aaaaaaaaaaaab', ...'bcdefghijklmn'].map((letter) => letters.indexOf(letter));
    expect(parsePlaceholder(secret, () => (wanted.shift() ?? 0) % 26)).toEqual({
      value: expect.not.stringContaining(secret),
    });
  });

  test.each([
    ['nothing', ''],
    ['eleven characters', 'elevenchars'],
    ['a space', 'with a space in it'],
    ['a line break', 'line\nbreak-line'],
    ['a tab', 'tab\tinside-it-all'],
    ['a letter beyond ASCII', 'ümlaut-in-a-secret'],
    ['hyphens alone', '------------------'],
    ['few letters and digits', '1-2-3-4-5-6-7'],
    ['a whole file', 'x'.repeat(16_385)],
  ])('is not made for %s', (_, secret) =>
    expect(parsePlaceholder(secret)).toEqual({ problem: expect.any(String), hint: expect.any(String) }),
  );

  test('what is wrong never quotes the secret', () => {
    const parsed = parsePlaceholder('hunter2 hunter2');
    expect(JSON.stringify(parsed)).not.toContain('hunter2');
  });
});
