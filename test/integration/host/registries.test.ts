import { describe, expect, test } from 'vitest';
import { probeRegistries } from '../../../src/host/registries.ts';
import { aTree } from '../../support/trees.ts';

const mirror = 'https://npm.company.test/mirror/';

describe('the registry that a client inside is led to', () => {
  test.each([
    ['nothing is said', '', {}, {}],
    ['npmrc names one', `fund=false\nregistry=${mirror}\n`, {}, { npm_config_registry: mirror }],
    ['npmrc names one in quotes', `registry = "${mirror}"\n`, {}, { npm_config_registry: mirror }],
    ['npmrc names one for a scope alone', `@company:registry=${mirror}\n`, {}, {}],
    [
      'the environment names one',
      `registry=https://other.test/\n`,
      { npm_config_registry: mirror },
      { npm_config_registry: mirror },
    ],
    ['it holds a password', 'registry=https://ann:secret@npm.company.test/\n', {}, {}],
    ['it is no address', 'registry=nonsense\n', {}, {}],
  ])('%s', (_, npmrc, env, expected) => {
    const home = aTree({ '.npmrc': npmrc });
    expect(probeRegistries(['npm'], env, home)).toEqual(expected);
  });

  test('pip has its own', () => {
    const home = aTree({ '.config/pip/pip.conf': `[global]\nindex-url = ${mirror}\n` });
    expect(probeRegistries(['pip'], {}, home)).toEqual({ PIP_INDEX_URL: mirror });
  });

  test('clients that no rule names are left alone', () => {
    expect(probeRegistries([], { npm_config_registry: mirror }, aTree({ '.npmrc': `registry=${mirror}` }))).toEqual({});
  });
});
