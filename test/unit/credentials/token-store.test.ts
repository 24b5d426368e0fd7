import { describe, expect, test } from 'vitest';
import { openInjection } from '../../../src/credentials/injection.ts';
import { parsePlaceholder } from '../../../src/credentials/placeholder.ts';
import { openTokenStore, type TokenStore } from '../../../src/credentials/token-store.ts';
import type { TokenDocument } from '../../../src/domain/credential.ts';
import { tokenDocuments } from '../../../src/domain/token-documents.ts';

const [access, refresh, nextAccess, nextRefresh] = ['A', 'B', 'C', 'D'].map(
  (letter) => `sk-ant-oat01-${letter}1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6`,
) as [string, string, string, string];
const standFor = (_: string, secret: string) => parsePlaceholder(secret);
const claude = tokenDocuments.find(({ provider }) => provider === 'claude-login') as TokenDocument;
const login = { accessToken: access, refreshToken: refresh, expiresAt: 5, scopes: ['user:inference'] };
const document = { claudeAiOauth: login };
const destination = { host: 'console.anthropic.com', port: 443 };
const head = {
  method: 'POST',
  target: '/v1/oauth/token',
  headers: [
    ['host', destination.host],
    ['content-type', 'application/json'],
  ] as [string, string][],
};

const open = (save: (document: unknown) => Promise<void> = async () => {}, problems: string[] = []): TokenStore => {
  const onProblem = (text: string) => void problems.push(text);
  const store = openTokenStore(claude, { document, standFor, save, onProblem, nowMs: () => 1000 });
  if ('problem' in store) throw new Error(store.problem);
  return store;
};
const insideOf = (store: TokenStore) => store.inside as typeof document;

describe('a login', () => {
  test('shows its file with placeholders in place of the tokens, the rest as it is', () => {
    const { claudeAiOauth: shown } = insideOf(open());
    expect(shown).toEqual({
      ...document.claudeAiOauth,
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
    });
    expect(JSON.stringify(shown)).not.toContain(access);
    expect(JSON.stringify(shown)).not.toContain(refresh);
    expect(shown.accessToken).toMatch(/^sk-ant-oat01-/);
  });

  test.each([
    [
      'claude-login',
      { claudeAiOauth: { ...login, subscriptionType: 'max', rateLimitTier: 'x' } },
      {
        claudeAiOauth: { other: 's', scopes: [{ other: 's' }] },
        mcpOAuth: { a: { accessToken: 's' } },
        pluginSecrets: 's',
      },
    ],
    [
      'codex-login',
      {
        auth_mode: 'chatgpt',
        OPENAI_API_KEY: access,
        tokens: { access_token: nextAccess, refresh_token: refresh, id_token: nextRefresh, account_id: 'a' },
        last_refresh: '2026-01-01',
      },
      {
        agent_identity: { agent_private_key: 's' },
        personal_access_token: 's',
        bedrock_api_key: 's',
        tokens: { x: 's' },
      },
    ],
    [
      'gemini-login',
      {
        access_token: access,
        refresh_token: refresh,
        id_token: nextAccess,
        scope: 'a b',
        token_type: 'Bearer',
        expiry_date: 5,
      },
      { client_secret: 's' },
    ],
  ])('of %s shows what is known to be no secret, and nothing that stands beside it', (name, known, others) => {
    const definition = tokenDocuments.find(({ provider }) => provider === name) as TokenDocument;
    const merged = Object.fromEntries(
      [...new Set(Object.keys({ ...known, ...others }))].map((key) => {
        const [own, other] = [known[key as never], others[key as never]] as [unknown, unknown];
        return [
          key,
          typeof own === 'object' && typeof other === 'object' ? { ...(other as object), ...own } : (own ?? other),
        ];
      }),
    );
    const store = openTokenStore(definition, { document: merged, standFor, save: async () => {} });
    const secrets = [access, refresh, nextAccess, nextRefresh];
    const shape = (value: unknown) =>
      JSON.parse(JSON.stringify(value, (_, part) => (String(part).startsWith('sk-ant-oat01-') ? 'token' : part)));
    expect(shape('inside' in store && store.inside)).toEqual(shape(known));
    for (const secret of secrets) expect(JSON.stringify('inside' in store && store.inside)).not.toContain(secret);
  });

  test('lets of the answer to a renewal in what it knows alone', async () => {
    const answer = {
      ...{ access_token: nextAccess, token_type: 'Bearer', expires_in: 5, scope: 'a' },
      ...{ session_token: refresh, device_token: 'x', account: { key: refresh }, id: 'x' },
    };
    const { access_token: shown, ...rest } = await open().renew(answer);
    expect(rest).toEqual({ token_type: 'Bearer', expires_in: 5, scope: 'a' });
    expect(shown).not.toBe(nextAccess);
  });

  test.each([
    [201, JSON.stringify({ access_token: nextAccess })],
    [200, `access_token=${nextAccess}`],
    [200, `[{ "access_token": "${nextAccess}" }]`],
  ])('lets no token of an answer %i in: %s', async (status, body) => {
    const exchange = openInjection({ bindings: [], tokens: [open()] }).exchange(head, destination);
    const got = await exchange.response(status, Buffer.from(body)).catch(String);
    expect(got.toString()).not.toContain(nextAccess);
  });

  test('is renewed: the real refresh token leaves, new tokens stay outside, the client gets new placeholders', async () => {
    const saved: unknown[] = [];
    const store = open(async (changed) => void saved.push(changed));
    const injection = openInjection({ bindings: [], tokens: [store] });
    expect(injection.isBound(destination.host, 443)).toBe(true);
    expect(injection.admit(head, destination)).toMatchObject({ kind: 'admitted', body: 'exchange' });
    const exchange = injection.exchange(head, destination);
    const shown = insideOf(store).claudeAiOauth.refreshToken;
    const asked = { grant_type: 'refresh_token', refresh_token: shown, client_id: 'c' };
    const sent = await exchange.request(Buffer.from(JSON.stringify(asked)), 'application/json');
    expect('body' in sent && JSON.parse(sent.body.toString())).toEqual({ ...asked, refresh_token: refresh });
    const answer = { token_type: 'Bearer', access_token: nextAccess, refresh_token: nextRefresh, expires_in: 3600 };
    const got = JSON.parse((await exchange.response(200, Buffer.from(JSON.stringify(answer)))).toString());
    expect(got).toEqual({ ...answer, access_token: expect.any(String), refresh_token: expect.any(String) });
    expect([nextAccess, nextRefresh]).not.toContain(got.access_token);
    expect(saved).toEqual([
      {
        claudeAiOauth: {
          ...document.claudeAiOauth,
          accessToken: nextAccess,
          refreshToken: nextRefresh,
          expiresAt: 3_601_000,
        },
      },
    ]);
    const use = {
      ...head,
      target: '/v1/messages',
      headers: [
        ['host', 'api.anthropic.com'],
        ['authorization', `Bearer ${got.access_token}`],
      ] as [string, string][],
    };
    expect(injection.admit(use, { host: 'api.anthropic.com', port: 443 })).toMatchObject({
      headers: [expect.anything(), ['authorization', `Bearer ${nextAccess}`]],
    });
    // and again with the new one
    const again = await exchange.request(
      Buffer.from(JSON.stringify({ ...asked, refresh_token: got.refresh_token })),
      'application/json',
    );
    expect('body' in again && JSON.parse(again.body.toString()).refresh_token).toBe(nextRefresh);
  });

  test('a form is understood as well', async () => {
    const store = open();
    const exchange = openInjection({ bindings: [], tokens: [store] }).exchange(head, destination);
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: insideOf(store).claudeAiOauth.refreshToken,
    });
    const sent = await exchange.request(
      Buffer.from(form.toString()),
      'application/x-www-form-urlencoded; charset=utf-8',
    );
    expect('body' in sent && new URLSearchParams(sent.body.toString()).get('refresh_token')).toBe(refresh);
  });

  test.each([
    [
      'the token of another account',
      { grant_type: 'refresh_token', refresh_token: 'sk-ant-ort01-somebody-elses-0000' },
    ],
    ['a new login', { grant_type: 'authorization_code', code: 'x' }],
    ['no object', []],
  ])('nothing is renewed with %s: its tokens would be taken for the operator’s', async (_, asked) => {
    const exchange = openInjection({ bindings: [], tokens: [open()] }).exchange(head, destination);
    expect(await exchange.request(Buffer.from(JSON.stringify(asked)), 'application/json')).toMatchObject({
      kind: 'refused',
      status: 403,
      reason: 'protocol',
    });
  });

  test('a placeholder in another field of the body is refused', async () => {
    const store = open();
    const { accessToken, refreshToken } = insideOf(store).claudeAiOauth;
    const exchange = openInjection({ bindings: [], tokens: [store] }).exchange(head, destination);
    for (const more of [{ x: accessToken }, { x: [refreshToken] }, { [refreshToken]: 1 }]) {
      const body = Buffer.from(JSON.stringify({ refresh_token: refreshToken, ...more }));
      expect(await exchange.request(body, 'application/json')).toMatchObject({
        kind: 'refused',
        reason: 'placeholder',
      });
    }
  });

  test('the refresh token may not go anywhere else', () => {
    const store = open();
    const injection = openInjection({ bindings: [], tokens: [store] });
    const { refreshToken } = insideOf(store).claudeAiOauth;
    const headers: [string, string][] = [
      ['host', 'api.anthropic.com'],
      ['authorization', `Bearer ${refreshToken}`],
    ];
    expect(
      injection.admit({ method: 'GET', target: '/', headers }, { host: 'api.anthropic.com', port: 443 }),
    ).toMatchObject({ kind: 'refused', reason: 'placeholder' });
  });

  test('that cannot be kept goes on in memory, and says so without a token', async () => {
    const problems: string[] = [];
    const store = open(() => Promise.reject(Object.assign(new Error(nextAccess), { code: 'ENOSPC' })), problems);
    await store.renew({ access_token: nextAccess });
    expect(problems).toEqual(['cannot keep the renewed login of claude-login: ENOSPC']);
    expect(store.bindings().map(({ secret }) => secret.reveal())).toContain(nextAccess);
  });

  test('keeps the new refresh token outside, also if another value of the answer can’t have a stand-in', async () => {
    const saved: unknown[] = [];
    const store = open(async (changed) => void saved.push(changed));
    const answer = { access_token: 'short', refresh_token: nextRefresh };
    await expect(store.renew(answer)).rejects.toThrow(
      `the token endpoint gave a "access_token" that can't have a stand-in`,
    );
    expect(saved).toEqual([{ claudeAiOauth: { ...login, accessToken: 'short', refreshToken: nextRefresh } }]);
    expect(store.bindings().map(({ secret }) => secret.reveal())).toContain(nextRefresh);
  });

  test('keeps the refresh token however often only the access token is renewed', async () => {
    const store = open();
    for (let i = 0; i < 20; i++) await store.renew({ access_token: `sk-ant-oat01-renewed-number-${i}-abcdefgh` });
    expect(store.bindings().map(({ secret }) => secret.reveal())).toContain(refresh);
    expect(store.bindings().length).toBeLessThanOrEqual(5);
  });
});
