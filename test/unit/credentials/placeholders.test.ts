import { expect, test } from 'vitest';
import { openPlaceholders } from '../../../src/credentials/placeholders.ts';

const key = 'sk-ant-api03-Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0-Ke_uTsAaWq';
const rotated = 'sk-ant-api03-Zz9Yy8Xx7Ww6Vv5Uu4Tt3Ss2Rr1Qq0-Pp_oNnMmLk';

const open = (kept: Record<string, string> = {}) => {
  let all = kept;
  const standFor = openPlaceholders({
    read: () => all,
    write: (changed) => {
      all = { ...changed };
    },
  });
  return {
    kept: () => all,
    draw: (secret: string, name = 'a') => {
      const drawn = standFor(name, secret);
      return 'value' in drawn ? drawn.value : drawn.problem;
    },
  };
};

test.each([
  ['the same secret', key],
  ['another one of its form', rotated],
])('a placeholder is kept for %s', (_, secret) => {
  const sandbox = open();
  const first = sandbox.draw(key);
  expect([first.length, first.slice(0, 13)]).toEqual([key.length, 'sk-ant-api03-']);
  expect(sandbox.draw(secret)).toBe(first);
  expect(open(sandbox.kept()).draw(secret)).toBe(first);
});

test.each([
  ['a longer one', `${key}0`],
  ['one of another prefix', key.replace('api03', 'oat01')],
  ['one with a mark at another place', `${key.slice(0, -3)}-${key.slice(-2)}`],
  ['one of other letters', key.slice(0, 13) + key.slice(13).replace(/[A-Za-z]/g, '7')],
])('and drawn anew for %s', (_, secret) => {
  const sandbox = open();
  const first = sandbox.draw(key);
  const next = sandbox.draw(secret);
  expect(next).not.toBe(first);
  expect(next).toHaveLength(secret.length);
  expect(sandbox.kept()).toEqual({ a: next });
});

test('one that has come to be near the secret is not kept', () => {
  expect(open({ a: key }).draw(key)).not.toBe(key);
  const near = `${key.slice(0, 20)}0${key.slice(21)}`;
  expect(open({ a: near }).draw(key)).not.toBe(near);
});

test('each secret has its own, in every sandbox another', () => {
  const sandbox = open();
  expect(new Set([sandbox.draw(key), sandbox.draw(key, 'b'), open().draw(key)]).size).toBe(3);
});

test('of a web token it lasts as long as its claims', () => {
  const token = (claims: string, signature: string) => `eyJhbGciOiJSUzI1NiJ9.${claims}.${signature.repeat(8)}`;
  const sandbox = open();
  const first = sandbox.draw(token('eyJzdWIiOiIxIn0', 'aB3_x9Q'));
  expect(sandbox.draw(token('eyJzdWIiOiIxIn0', 'aZ7_y1W'))).toBe(first);
  expect(sandbox.draw(token('eyJzdWIiOiIyIn0', 'aB3_x9Q'))).toMatch(/^eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIyIn0\.a/);
});

test('what can have none is told, and nothing is kept', () => {
  const sandbox = open();
  expect(sandbox.draw('short')).toContain('less than');
  expect(sandbox.kept()).toEqual({});
});
