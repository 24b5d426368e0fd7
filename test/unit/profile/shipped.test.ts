import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../../src/profile/load.ts';
import { parseDocument } from '../../../src/profile/parse.ts';
import { policyFolders, shippedProfilesDir } from '../../support/policy-folders.ts';

const files = readdirSync(shippedProfilesDir).filter((name) => name.endsWith('.json') && name !== 'sbox.schema.json');

test.each(files)('%s is valid plain JSON with a description: it is loaded without a check', async (name) => {
  const text = readFileSync(join(shippedProfilesDir, name), 'utf8');
  const parsed = parseDocument(text, name);
  expect(parsed).not.toHaveProperty('problems');
  expect(parsed).toMatchObject({ value: JSON.parse(text) });
  expect(JSON.parse(text)).toHaveProperty('description');
  await expect(loadProfile(policyFolders().request({ names: [name.replace('.json', '')] }))).resolves.toBeDefined();
});

test('strict has no network, limits everything and insists on it', async () => {
  const profile = await loadProfile(policyFolders().request({ names: ['strict'] }));
  expect(profile).toMatchObject({ network: { mode: 'none' }, mounts: [], limits: { processes: 512, openFiles: 1024 } });
  expect(profile.require).toEqual([
    'hide',
    'read',
    'write',
    'home',
    'env',
    'path',
    'network',
    'process',
    'tty',
    'limits',
  ]);
});

const agents = ['claude-code', 'codex', 'gemini', 'opencode', 'aider'];
const loadShipped = (name: string) => loadProfile(policyFolders().request({ names: [name] }));

describe.each(agents)('the profile %s', (name) => {
  test('starts its agent, and leaves the network limited', async () => {
    const { command, network } = await loadShipped(name);
    expect(command[0]).toBe(name === 'claude-code' ? 'claude' : name);
    expect(network.mode).toBe('limited');
  });

  test('reaches single names by TLS alone, and names no package registry and no git host', async () => {
    const { network } = await loadShipped(name);
    for (const rule of network.allow) {
      expect(rule).toMatchObject({ match: { kind: 'name', subdomains: false }, port: 443 });
      expect(rule.text).toMatch(/^(api|platform|generativelanguage)\.(anthropic|claude|openai|googleapis)\.com:443$/);
    }
  });

  test('passes on and sets no variable that may hold a key, and no address that a key would be sent to', async () => {
    const { env, mounts } = await loadShipped(name);
    const base = (await loadShipped('default')).env.pass;
    for (const variable of [...env.pass.filter((known) => !base.includes(known)), ...Object.keys(env.set)]) {
      expect(variable).not.toMatch(/KEY|TOKEN|SECRET|PASSWORD|AUTH(?!OR)|HEADER|URL|_BASE|HOST|\*/);
    }
    // files of settings may hold keys; a login is a credential, and never a mount
    expect(mounts.filter(({ source }) => !/\/(\.gitconfig|[A-Z]+\.md|[a-z]+)$/.test(source))).toEqual([]);
    expect(mounts.filter(({ mode }) => mode !== 'ro')).toEqual([]);
  });
});

test.each([
  ['claude-code', ['anthropic']],
  ['codex', ['openai']],
  ['gemini', ['google']],
  ['opencode', []],
  ['aider', []],
])('%s keeps the credentials of its one provider outside: %j', async (name, credentials) => {
  const profile = await loadShipped(name);
  expect(profile.credentials.map(({ provider }) => provider.name)).toEqual(credentials);
});

test('Codex is started without the sandbox of its own, which can not be made in another', async () => {
  const { command } = await loadShipped('codex');
  expect(command.slice(1, 3)).toEqual(['--sandbox', 'danger-full-access']);
});

test('what the agents would send or fetch for their makers is off', async () => {
  const off = await Promise.all(agents.map(async (name) => [name, (await loadShipped(name)).env.set]));
  expect(Object.fromEntries(off)).toEqual({
    'claude-code': {
      IS_SANDBOX: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_ERROR_REPORTING: '1',
      DISABLE_TELEMETRY: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    },
    codex: {},
    gemini: { GEMINI_SANDBOX: 'false', GEMINI_TELEMETRY_ENABLED: 'false' },
    opencode: {
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_SHARE: '1',
    },
    aider: {
      AIDER_ANALYTICS: 'false',
      AIDER_CHECK_UPDATE: 'false',
      AIDER_SHOW_RELEASE_NOTES: 'false',
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
    },
  });
});
