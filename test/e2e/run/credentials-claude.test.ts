import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { expect } from 'vitest';
import { installClaudeCode, quietClaude } from '../../support/claude-code.ts';
import { type FakeAnthropicOptions, openFakeAnthropic } from '../../support/fake-anthropic.ts';
import { needs, program } from '../../support/needs.ts';
import { kernelRungs } from '../../support/reach.ts';
import { aWorkspace, eachUser, environmentOf, runOutside, runSbox, startSbox, type User } from '../../support/sbox.ts';
import { makeIdentities } from '../../support/tls-service.ts';

const withClaude = needs(program('npm'), program('git'));
const claudeFolder = installClaudeCode();

const key = 'sk-ant-api03-Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0-Ke_uTsAaWq';
/** What an agent would look at. */
const look = [
  '{ env; cat -- /proc/*/environ /proc/*/cmdline; grep -rah . /sbox "$HOME" "$TMPDIR" .; }',
  // a long answer would be kept in a file instead
  'grep -aoE "[A-Z_a-z]*.{0,3}sk-ant-[A-Za-z0-9_-]+" | sort -u',
].join(' 2>/dev/null | ');

/** A stand-in of the API behind TLS, and a workspace from which its name leads there. */
const aWorld = async (as: User, env: Record<string, string>, options: FakeAnthropicOptions = {}) => {
  const workspace = aWorkspace(as);
  const hosts = ['api.anthropic.com', 'console.anthropic.com', 'platform.claude.com'];
  const { certificatePem, identityFor } = makeIdentities(hosts);
  const contexts = (name: string) => identityFor(hosts.includes(name) ? name : hosts[0]);
  const api = await openFakeAnthropic(look, {
    ...options,
    serve: (listener) =>
      createServer(
        {
          ...identityFor(hosts[0]),
          SNICallback: (name, done) => done(null, createSecureContext(contexts(name))),
        },
        listener,
      ),
  });
  const target = `127.0.0.1:${new URL(api.url).port}`;
  const config = workspace.write(
    join(workspace.base, 'claude.json'),
    JSON.stringify({
      extends: 'default',
      credentials: ['anthropic'],
      network: { mode: 'limited', hosts: Object.fromEntries(hosts.map((host) => [host, target])) },
      env: { set: quietClaude },
    }),
  );
  const ca = workspace.write(join(workspace.base, 'ca.pem'), certificatePem);
  const path = `${claudeFolder()}:${environmentOf(workspace)['PATH']}`;
  const own = { PATH: path, NODE_EXTRA_CA_CERTS: ca, ...env };
  return { api, config, workspace: { ...workspace, env: own, timeoutMs: 80_000 } };
};

const claude = ['claude', '-p', 'run it', '--allowedTools', 'Bash'];
/** Answers as they come. */
const streamed = [...claude, '--verbose', '--output-format', 'stream-json', '--include-partial-messages'];

eachUser((as) => {
  withClaude.each(kernelRungs)(
    'on %s, Claude Code works with a key that it never has: its API gets it, its Bash tool sees a placeholder',
    async (rung) => {
      let seen: () => Promise<unknown> = async () => {};
      const world = await aWorld(as, { ANTHROPIC_API_KEY: key }, { untilRead: async () => void (await seen()) });
      const { workspace, config } = world;
      await using api = world.api;
      const run = startSbox(['run', '-q', '--rung', rung, '--config', config, '--', ...streamed], workspace);
      // the end of each answer waits until its beginning has come out of the client
      seen = () => run.says('"content_block_delta"');
      const ended = await run.ended;

      expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
      expect(new Set(api.keys.filter(Boolean))).toEqual(new Set([key]));
      const [result = ''] = api.toolResults;
      const placeholder = /ANTHROPIC_API_KEY=(sk-ant-api03-[\w-]+)/.exec(result)?.[1] ?? '';
      expect(placeholder).toHaveLength(key.length);
      expect(placeholder).not.toBe(key);
      expect(result).not.toContain(key);
      expect(ended.stdout + ended.stderr).not.toContain(key);
    },
  );

  withClaude('the positive control: without sbox the Bash tool sees the key', async () => {
    const world = await aWorld(as, { ...quietClaude, ANTHROPIC_API_KEY: key });
    await using api = world.api;
    // nothing maps the name outside: the client is told the address, whose certificate is for another name
    const env = {
      ...world.workspace.env,
      ANTHROPIC_BASE_URL: api.url.replace('http:', 'https:'),
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    };
    const ended = await runOutside(claude, { ...world.workspace, env });
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(api.toolResults.at(-1)).toContain(`ANTHROPIC_API_KEY=${key}`);
  });

  withClaude.each(kernelRungs)(
    'on %s, a login of Claude Code stays outside, is renewed there, and the next run goes on with the renewed one',
    async (rung) => {
      const renewals: string[] = [];
      const world = await aWorld(
        as,
        {},
        {
          onOther: (request, body, response) => {
            if (request.url !== '/v1/oauth/token') return false;
            const sent = (JSON.parse(body) as { refresh_token: string }).refresh_token;
            renewals.push(sent);
            const tokens = {
              access_token: tokenOf('oat', renewals.length),
              refresh_token: tokenOf('ort', renewals.length),
            };
            response.setHeader('content-type', 'application/json');
            response.end(
              JSON.stringify({ token_type: 'Bearer', expires_in: 28_800, scope: scopes.join(' '), ...tokens }),
            );
            return true;
          },
        },
      );
      await using api = world.api;
      const { workspace, config } = world;
      const login = {
        accessToken: tokenOf('oat', 0),
        refreshToken: tokenOf('ort', 0),
        ...{ expiresAt: Date.now() - 60_000, scopes, subscriptionType: 'max' },
      };
      const file = join(workspace.home, '.claude/.credentials.json');
      workspace.write(file, JSON.stringify({ claudeAiOauth: login }), 0o600);
      const before = readFileSync(file, 'utf8');
      for (const round of [1, 2]) {
        const ended = await runSbox(['run', '-q', '--rung', rung, '--config', config, '--', ...claude], workspace);
        expect(ended, `${round}: ${ended.stdout}${ended.stderr}`).toMatchObject({ code: 0 });
      }
      expect(renewals).toEqual([tokenOf('ort', 0)]);
      expect(new Set(api.keys.filter(Boolean))).toEqual(new Set([`Bearer ${tokenOf('oat', 1)}`]));
      expect(api.toolResults).toHaveLength(2);
      const real = [0, 1].flatMap((index) => [tokenOf('oat', index), tokenOf('ort', index)]);
      for (const result of api.toolResults) {
        expect(result).toContain('sk-ant-oat01-');
        expect(real.filter((token) => result.includes(token))).toEqual([]);
      }
      expect(readFileSync(file, 'utf8')).toBe(before);
      const sandboxes = join(workspace.stateHome, 'sbox/sandboxes');
      const stored = readdirSync(sandboxes).map((name) => join(sandboxes, name, 'logins/claude-login.json'));
      expect(stored.filter(existsSync).map((path) => readFileSync(path, 'utf8').includes(tokenOf('ort', 1)))).toEqual([
        true,
      ]);
    },
  );
});

const scopes = ['user:inference', 'user:profile'];
const tokenOf = (kind: 'oat' | 'ort', index: number): string =>
  `sk-ant-${kind}01-${index}Qb7Xk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0KeuTsAaWq${kind}${index}zz`;
