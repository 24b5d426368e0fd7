import { expect, test } from 'vitest';
import { parsePlaceholder } from '../../../../src/credentials/placeholder.ts';
import { openTokenStore } from '../../../../src/credentials/token-store.ts';
import type { TokenDocument } from '../../../../src/domain/credential.ts';
import { tokenDocuments } from '../../../../src/domain/token-documents.ts';
import { ask, ask2 } from '../../../support/tls-clients.ts';
import { openPeers } from '../../../support/tls-peers.ts';

const definition = tokenDocuments.find(({ provider }) => provider === 'codex-login') as TokenDocument;
const destination = { host: 'auth.openai.com', port: 443 };
const standFor = (_: string, secret: string) => parsePlaceholder(secret);
const token = (name: string): string => `rt_${name.padEnd(30, '0123456789')}`;

/** A login, and a token endpoint that hands out a new pair for the right refresh token. */
const openLogin = async (status = 200) => {
  const saved: unknown[] = [];
  const document = { tokens: { access_token: token('access'), refresh_token: token('refresh') } };
  const store = openTokenStore(definition, { document, standFor, save: async (changed) => void saved.push(changed) });
  if ('problem' in store) throw new Error(store.problem);
  const bodies: unknown[] = [];
  const peers = await openPeers(
    async (request, response) => {
      const text = Buffer.concat(await request.toArray()).toString();
      bodies.push(JSON.parse(text));
      const answer = { access_token: token('nextAccess'), refresh_token: token('nextRefresh'), echo: text };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    },
    { bindings: [], tokens: [store], destination, certified: destination.host },
  );
  const inside = (store.inside as typeof document).tokens;
  return { peers, saved, bodies, inside };
};

test.each([
  ['HTTP/1.1', 'http/1.1', ask],
  ['HTTP/2', 'h2', ask2],
] as const)(
  'a login is renewed over %s: real tokens leave and stay outside, placeholders go in',
  async (_, alpn, send) => {
    const { peers, saved, bodies, inside } = await openLogin();
    await using _peers = peers;
    const asked = { grant_type: 'refresh_token', refresh_token: inside.refresh_token };
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(asked);
    const path = definition.endpoint.path;
    const socket = await peers.connect({ alpn: [alpn] });
    const answer = await send(socket, destination.host, { method: 'POST', path, headers, body });
    expect(bodies).toEqual([{ ...asked, refresh_token: token('refresh') }]);
    expect(saved).toEqual([{ tokens: { access_token: token('nextAccess'), refresh_token: token('nextRefresh') } }]);
    const text = answer.body.toString();
    expect(JSON.parse(text)).toMatchObject({ access_token: expect.stringMatching(/^rt_/) });
    for (const name of ['refresh', 'nextAccess', 'nextRefresh']) expect(text).not.toContain(token(name));
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
  },
);

test('a refusal of the endpoint comes back without the token that it quotes', async () => {
  const { peers, saved, inside } = await openLogin(400);
  await using _peers = peers;
  const body = JSON.stringify({ refresh_token: inside.refresh_token });
  const path = definition.endpoint.path;
  const answer = await ask(await peers.connect(), destination.host, { method: 'POST', path, body });
  expect(answer.status).toBe(400);
  expect(answer.body.toString()).toContain(inside.refresh_token);
  expect(answer.body.toString()).not.toContain(token('refresh'));
  expect(saved).toEqual([]);
});

test.each([
  ['a token of somebody else', { refresh_token: token('other') }, 403],
  ['a body without end', { refresh_token: 'x'.repeat(300_000) }, 413],
])('%s is refused before anything leaves', async (_, asked, status) => {
  const { peers, bodies } = await openLogin();
  await using _peers = peers;
  const path = definition.endpoint.path;
  const body = JSON.stringify(asked);
  const answer = await ask(await peers.connect(), destination.host, { method: 'POST', path, body });
  expect([answer.status, bodies.length]).toEqual([status, 0]);
});
