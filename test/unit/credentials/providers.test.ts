import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parseBinding } from '../../../src/credentials/bind.ts';
import { parsePlaceholder } from '../../../src/credentials/placeholder.ts';
import { planPresented } from '../../../src/credentials/present.ts';
import { type Provider, Secret } from '../../../src/domain/credential.ts';
import { providers } from '../../../src/domain/providers.ts';

const registries = { npm: [{ host: 'npm.example', port: 8443 }], pip: [{ host: 'pip.example' }] };
const standFor = (_: string, secret: string) => parsePlaceholder(secret);
const find = (name: string): Provider => providers.find((provider) => provider.name === name) as Provider;
const bind = (name: string, secret = 'abc_0123456789abcdefghijklmnop') => {
  const parsed = parseBinding(find(name), new Secret(secret), standFor, registries);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return { provider: find(name), binding: parsed.value };
};

test('names are unique, and each provider has a source, a place inside and a host', () => {
  expect(new Set(providers.map(({ name }) => name)).size).toBe(providers.length);
  for (const { name, sources, present, uses, fix } of providers) {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    for (const list of [sources, present, uses]) expect(list.length).toBeGreaterThan(0);
    expect(fix).not.toBe('');
    for (const use of uses) for (const host of use.hosts) expect(host).toMatch(/^(registry:(npm|pip)|[a-z0-9.-]+)$/);
  }
});

test('a key is shown in the variable that the client reads', () => {
  const { provider, binding } = bind('anthropic');
  expect(planPresented([{ provider, binding }])).toEqual({
    env: { ANTHROPIC_API_KEY: binding.placeholder },
    files: {},
  });
});

test('a registry’s host and port come from the user’s client configuration', () => {
  const npm = bind('npm');
  expect(npm.binding.uses).toMatchObject([{ hosts: ['npm.example'], ports: [443, 8443] }]);
  expect(planPresented([npm]).files).toEqual({
    '.npmrc': `//npm.example:8443/:_authToken=${npm.binding.placeholder}\n`,
  });
  const pip = bind('pypi');
  expect(planPresented([pip]).files).toEqual({
    '.netrc': `machine pip.example login __token__ password ${pip.binding.placeholder}\n`,
  });
});

test('without a registry a registry token is bound to nothing', () => {
  const parsed = parseBinding(find('npm'), new Secret('npm_0123456789abcdefghijklmnop'), standFor);
  expect(parsed).toMatchObject({ value: { uses: [] } });
});

test('git gets its header behind the entries that are there', () => {
  const github = bind('github', 'ghp_0123456789abcdefghijklmnopqrstuvwx');
  const basic = Buffer.from(`x-access-token:${github.binding.placeholder}`).toString('base64');
  expect(planPresented([github], 2).env).toMatchObject({
    GIT_CONFIG_COUNT: '4',
    GIT_CONFIG_KEY_2: 'http.https://github.com/.extraHeader',
    GIT_CONFIG_VALUE_2: `Authorization: Basic ${basic}`,
  });
});

test('a secret never prints', () => {
  const { binding } = bind('anthropic');
  const secret = binding.secret.reveal();
  const forms = [
    String(binding.secret),
    `${binding.secret}`,
    JSON.stringify(binding),
    inspect(binding, { depth: 9, showHidden: true }),
  ];
  for (const form of forms) expect(form).not.toContain(secret);
  expect(forms[0]).toBe('[secret]');
});
