import { expect, test } from 'vitest';
import { openInjection } from '../../../src/credentials/injection.ts';
import { openLogin, type StoredLogins } from '../../../src/credentials/login.ts';
import { openPlaceholders } from '../../../src/credentials/placeholders.ts';
import type { TokenDocument } from '../../../src/domain/credential.ts';
import { tokenDocuments } from '../../../src/domain/token-documents.ts';

const claude = tokenDocuments.find(({ provider }) => provider === 'claude-login') as TokenDocument;
const token = (kind: string, index: number) => `sk-ant-${kind}01-${index}Qb7Xk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0KeuTsAaWq`;
const login = { accessToken: token('oat', 0), refreshToken: token('ort', 0), expiresAt: 5, scopes: ['a', 'b'] };
const text = JSON.stringify({ claudeAiOauth: login });
const endpoint = { host: 'console.anthropic.com', port: 443 };
const api = { host: 'api.anthropic.com', port: 443 };

/** A sandbox whose runs are opened by `run`. */
const openSandbox = () => {
  let stored: string | undefined;
  let placeholders: Readonly<Record<string, string>> = {};
  let turn: Promise<void> = Promise.resolve();
  const logins: StoredLogins = {
    read: () => stored,
    write: async (_, changed) => {
      stored = changed;
    },
    lock: async () => {
      const before = turn;
      let release = (): void => {};
      turn = new Promise((resolve) => {
        release = resolve;
      });
      await before;
      return { [Symbol.dispose]: release };
    },
  };
  const standFor = openPlaceholders({
    read: () => placeholders,
    write: (all) => {
      placeholders = all;
    },
  });
  const run = (source = text) => {
    const store = openLogin({ kind: 'found', definition: claude, text: source }, logins, { standFor });
    if ('problem' in store) throw new Error(store.problem);
    const injection = openInjection({ bindings: [], tokens: [store] });
    const inside = (store.inside as { claudeAiOauth: typeof login }).claudeAiOauth;
    const head = {
      method: 'POST',
      target: '/v1/oauth/token',
      headers: [['host', endpoint.host]] as [string, string][],
    };
    const ask = { grant_type: 'refresh_token', refresh_token: inside.refreshToken };
    const sentFor = (accessToken: string) => {
      const headers: [string, string][] = [
        ['host', api.host],
        ['authorization', `Bearer ${accessToken}`],
      ];
      const admitted = injection.admit({ method: 'GET', target: '/', headers }, api);
      return admitted.kind === 'admitted' ? admitted.headers.find(([name]) => name === 'authorization')?.[1] : admitted;
    };
    return {
      ...{ inside, sentFor, exchange: injection.exchange(head, endpoint) },
      body: Buffer.from(JSON.stringify(ask)),
    };
  };
  return { run };
};

const answer = (index: number) => ({
  ...{ token_type: 'Bearer', expires_in: 3600, scope: 'a b' },
  ...{ access_token: token('oat', index), refresh_token: token('ort', index) },
});
type Run = ReturnType<ReturnType<typeof openSandbox>['run']>;
const renew = async ({ exchange, body }: Run, index: number) => {
  try {
    const sent = await exchange.request(body, 'application/json');
    if (!('body' in sent)) return sent;
    expect(sent.body.toString()).toContain(token('ort', index - 1));
    return JSON.parse((await exchange.response(200, Buffer.from(JSON.stringify(answer(index))))).toString());
  } finally {
    exchange.end();
  }
};

test('runs of one sandbox show the same placeholders, also once one of them has renewed the login', async () => {
  const { run } = openSandbox();
  const [first, second] = [run(), run()];
  expect(second.inside).toEqual(first.inside);
  const renewed = await renew(first, 1);
  expect(renewed).toEqual({
    ...answer(1),
    access_token: first.inside.accessToken,
    refresh_token: first.inside.refreshToken,
  });
  expect(run().inside).toEqual({ ...first.inside, expiresAt: expect.any(Number) });
});

test('what one run has renewed is used by the other at once', async () => {
  const { run } = openSandbox();
  const [first, second] = [run(), run()];
  await renew(first, 1);
  expect(second.sentFor(second.inside.accessToken)).toBe(`Bearer ${token('oat', 1)}`);
  await renew(second, 2);
  expect(first.sentFor(first.inside.accessToken)).toBe(`Bearer ${token('oat', 2)}`);
});

test('of two that renew at once, the second waits and gets what the first one got: no refresh token is used twice', async () => {
  const { run } = openSandbox();
  const [first, second] = [run(), run()];
  const sent = await first.exchange.request(first.body, 'application/json');
  expect('body' in sent).toBe(true);
  const waiting = second.exchange.request(second.body, 'application/json');
  await first.exchange.response(200, Buffer.from(JSON.stringify(answer(1))));
  first.exchange.end();
  const got = await waiting;
  second.exchange.end();
  const { expires_in: seconds, ...rest } = JSON.parse('answer' in got ? got.answer.toString() : '{}');
  const { accessToken, refreshToken } = first.inside;
  expect(rest).toEqual({ token_type: 'Bearer', scope: 'a b', access_token: accessToken, refresh_token: refreshToken });
  expect([3599, 3600]).toContain(seconds);
  expect(second.sentFor(accessToken)).toBe(`Bearer ${token('oat', 1)}`);
});

test('a renewal that failed lets the next one through', async () => {
  const { run } = openSandbox();
  const [first, second] = [run(), run()];
  await first.exchange.request(first.body, 'application/json');
  await first.exchange.response(500, Buffer.from('no'));
  first.exchange.end();
  expect(await renew(second, 1)).toMatchObject({ expires_in: 3600 });
});

test('what was renewed of another login than this run’s is not taken over', async () => {
  const { run } = openSandbox();
  const first = run();
  await renew(run(JSON.stringify({ claudeAiOauth: login, mine: 1 })), 1);
  expect(first.sentFor(first.inside.accessToken)).toBe(`Bearer ${token('oat', 0)}`);
});
