import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RegistryOptions } from '../../../src/egress/registry/client-tools.ts';
import { resolveRegistry } from '../../../src/egress/registry/resolve.ts';
import { aTree, dir, type Entry, link, program } from '../../support/trees.ts';

interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly untrusted?: readonly string[];
  /** runs for real if absent */
  readonly runCommand?: RegistryOptions['runCommand'];
}

/** A home with `bin` as its only PATH; `~` in variables and untrusted folders stands for the tree. */
const resolveIn = async (client: 'npm' | 'pip', tree: Record<string, Entry>, world: World = {}) => {
  const root = aTree({ home: dir, bin: dir, ...tree });
  const place = (text: string) => text.replaceAll('~', root);
  const env = Object.fromEntries(Object.entries(world.env ?? {}).map(([name, value]) => [name, place(value)]));
  const found = await resolveRegistry(client, {
    env: { PATH: join(root, 'bin'), ...env },
    home: join(root, 'home'),
    etc: join(root, 'etc'),
    untrusted: (world.untrusted ?? []).map(place),
    ...(world.runCommand && { runCommand: world.runCommand }),
  });
  return { hosts: found.hosts.map(({ host, port }) => `${host}:${port}`), problem: found.problem };
};
const npm = (...parameters: Parameters<typeof resolveIn> extends [unknown, ...infer Rest] ? Rest : never) =>
  resolveIn('npm', ...parameters);
const pip = (...parameters: Parameters<typeof resolveIn> extends [unknown, ...infer Rest] ? Rest : never) =>
  resolveIn('pip', ...parameters);

/** An npm whose own default is asked for; it says where it was run and what it saw. */
const anNpm = program('#!/bin/sh\n[ "$*" = "config get registry" ] && echo "https://default.test/$(pwd)"\n');
const aPython = program('#!/bin/sh\n[ "$1" = -I ] && echo https://index.test/pypi files.test\n');

describe('npm', () => {
  test.each<[string, Record<string, Entry>, World, string[]]>([
    ['its own default', { 'bin/npm': anNpm }, {}, ['default.test:443']],
    [
      "the user's npmrc",
      { 'bin/npm': anNpm, 'home/.npmrc': 'registry=https://mine.test:8443/x/\n' },
      {},
      ['mine.test:8443'],
    ],
    ['http', { 'home/.npmrc': 'registry = "http://mine.test/"' }, {}, ['mine.test:80']],
    [
      'scopes beside it',
      {
        'home/.npmrc':
          '; c\n# c\nregistry=https://mine.test\n@a:registry=https://a.test\n@b:registry = https://mine.test',
      },
      {},
      ['mine.test:443', 'a.test:443'],
    ],
    [
      'a scope beside its own default',
      { 'bin/npm': anNpm, 'home/.npmrc': '@a:registry=https://a.test' },
      {},
      ['default.test:443', 'a.test:443'],
    ],
    [
      'the environment over files',
      { 'home/.npmrc': 'registry=https://mine.test' },
      { env: { NPM_CONFIG_REGISTRY: 'https://env.test' } },
      ['env.test:443'],
    ],
    ['the environment in lower case', {}, { env: { npm_config_registry: 'https://env.test' } }, ['env.test:443']],
    [
      'another npmrc',
      { 'x/rc': 'registry=https://x.test' },
      { env: { npm_config_userconfig: '~/x/rc' } },
      ['x.test:443'],
    ],
    [
      'the global npmrc beside npm',
      { 'bin/npm': anNpm, 'etc/npmrc': 'registry=https://global.test' },
      {},
      ['global.test:443'],
    ],
    [
      'the global npmrc of a prefix',
      { 'home/.npmrc': 'prefix=~/p', 'home/p/etc/npmrc': 'registry=https://p.test' },
      {},
      ['p.test:443'],
    ],
    [
      'a variable in it',
      { 'home/.npmrc': 'registry=https://\u0024{WHERE}.test/' },
      { env: { WHERE: 'there' } },
      ['there.test:443'],
    ],
    [
      'no secret',
      { 'home/.npmrc': '//t.test/:_authToken=x\n_auth=y\nregistry=https://mine.test' },
      {},
      ['mine.test:443'],
    ],
    ['only http and https', { 'home/.npmrc': 'registry=file:///x' }, {}, []],
  ])('names %s', async (_, tree, world, hosts) => expect((await npm(tree, world)).hosts).toEqual(hosts));

  test('is run in a folder of nobody, where no project can speak', async () => {
    const seen = await npm(
      {
        'bin/npm': program(
          '#!/bin/sh\n[ "$(pwd)$npm_config_local_prefix$NODE_OPTIONS" = / ] && echo https://neutral.test',
        ),
      },
      { env: { npm_config_local_prefix: '/somewhere', NODE_OPTIONS: '--require=x' } },
    );
    expect(seen.hosts).toEqual(['neutral.test:443']);
  });

  test('that is not there names nothing, and why is said', async () => {
    expect(await npm({})).toEqual({
      hosts: [],
      problem:
        'registry:npm names no host: npm is not installed, and no npmrc of yours names a registry (install it, or name the hosts: --allow HOST)',
    });
    expect((await npm({ 'home/.npmrc': '@a:registry=https://a.test' })).problem).toMatch(/may name too few hosts/);
    expect((await npm({ 'bin/npm': program('#!/bin/sh\nexit 1\n') })).problem).toMatch(/gave no address/);
  });

  test('and its settings that the command could have written count for nothing', async () => {
    const evil = program('#!/bin/sh\ntouch ~/ran\necho https://evil.test');
    const real = { 'bin/npm': anNpm };
    const untrusted = ['~/work'];
    const PATH = '~/work/bin:relative:~/bin';
    // the positive control: trusted, each of them is heard
    expect((await npm({ ...real, 'work/bin/npm': evil }, { env: { PATH } })).hosts).toEqual(['evil.test:443']);
    expect((await npm({ ...real, 'work/bin/npm': evil }, { env: { PATH }, untrusted })).hosts).toEqual([
      'default.test:443',
    ]);
    const linked = { ...real, 'home/.npmrc': link('~/work/.npmrc'), 'work/.npmrc': 'registry=https://evil.test' };
    expect((await npm(linked)).hosts).toEqual(['evil.test:443']);
    expect((await npm(linked, { untrusted })).hosts).toEqual(['default.test:443']);
    const linkedProgram = { 'bin/npm': link('~/work/npm'), 'work/npm': evil };
    expect((await npm(linkedProgram)).hosts).toEqual(['evil.test:443']);
    expect(await npm(linkedProgram, { untrusted })).toMatchObject({ hosts: [], problem: expect.any(String) });
    // npm's first line looks node up along PATH
    const script = { 'bin/npm': program('#!/usr/bin/env node\n'), 'work/bin/node': evil };
    const env = { PATH: '~/work/bin:~/bin' };
    expect((await npm(script, { env })).hosts).toEqual(['evil.test:443']);
    expect((await npm(script, { env, untrusted })).hosts).toEqual([]);
  });
});

describe('pip', () => {
  const python = { 'bin/python3': aPython };
  test.each<[string, Record<string, Entry>, World, string[]]>([
    ['its own default, and the host of its files', python, {}, ['index.test:443', 'files.test:443']],
    [
      "the user's pip.conf",
      { ...python, 'home/.config/pip/pip.conf': '[global]\nindex-url = https://mine.test/simple\n' },
      {},
      ['mine.test:443'],
    ],
    [
      'the old place',
      { ...python, 'home/.pip/pip.conf': '[install]\nindex_url: http://old.test:8080/simple\n' },
      {},
      ['old.test:8080'],
    ],
    [
      'the system-wide one, below the user',
      {
        'etc/xdg/pip/pip.conf': '[global]\nindex-url=https://system.test',
        'etc/pip.conf': '[global]\nextra-index-url=https://extra.test',
        'home/.config/pip/pip.conf': '[global]\nindex-url=https://mine.test',
      },
      {},
      ['mine.test:443', 'extra.test:443'],
    ],
    [
      'extra indexes over several lines',
      {
        'home/.config/pip/pip.conf':
          '[global]\n# c\nindex-url = https://a.test\nextra-index-url =\n    https://b.test\n    https://c.test\ntimeout = 1\n',
      },
      {},
      ['a.test:443', 'b.test:443', 'c.test:443'],
    ],
    [
      'the environment over files',
      { 'home/.config/pip/pip.conf': '[global]\nindex-url=https://mine.test' },
      {
        env: {
          PIP_INDEX_URL: 'https://user:secret@env.test/simple',
          PIP_EXTRA_INDEX_URL: 'https://x.test https://y.test',
        },
      },
      ['env.test:443', 'x.test:443', 'y.test:443'],
    ],
    [
      'the files of the default index, spelled out',
      python,
      { env: { PIP_INDEX_URL: 'https://index.test/simple' } },
      ['index.test:443', 'files.test:443'],
    ],
    [
      'a file of PIP_CONFIG_FILE',
      { 'x/p.conf': '[global]\nindex-url=https://x.test' },
      { env: { PIP_CONFIG_FILE: '~/x/p.conf' } },
      ['x.test:443'],
    ],
    [
      'no file where PIP_CONFIG_FILE is /dev/null',
      { ...python, 'home/.config/pip/pip.conf': '[global]\nindex-url=https://mine.test' },
      { env: { PIP_CONFIG_FILE: '/dev/null' } },
      ['index.test:443', 'files.test:443'],
    ],
    [
      'that of an environment',
      { 'venv/pip.conf': '[global]\nindex-url=https://venv.test' },
      { env: { VIRTUAL_ENV: '~/venv' } },
      ['venv.test:443'],
    ],
    [
      '[install] over [global]',
      { 'home/.pip/pip.conf': '[install]\nindex-url=https://i.test\n[global]\nindex-url=https://g.test' },
      {},
      ['i.test:443'],
    ],
  ])('names %s', async (_, tree, world, hosts) => {
    expect((await pip(tree, world)).hosts).toEqual(hosts);
  });

  test('that is not there names nothing, and why is said', async () => {
    const found = await pip(
      { 'bin/python3': program('#!/bin/sh\nexit 1\n') },
      { env: { PIP_CONFIG_FILE: '/dev/null' } },
    );
    expect(found).toEqual({
      hosts: [],
      problem:
        'registry:pip names no host: pip is not installed for python3, and no pip.conf of yours names an index (install it, or name the hosts: --allow HOST)',
    });
  });

  test('and its settings that the command could have written count for nothing', async () => {
    const untrusted = ['~/work'];
    const env = { VIRTUAL_ENV: '~/work/venv', PATH: '~/work/venv/bin:~/bin', PIP_CONFIG_FILE: '~/work/pip.conf' };
    const tree = {
      ...python,
      'work/venv/bin/python3': program('#!/bin/sh\necho https://evil.test evil.test\n'),
      'work/venv/pip.conf': '[global]\nindex-url=https://evil.test',
      'work/pip.conf': '[global]\nextra-index-url=https://evil.test',
    };
    expect((await pip(tree, { env })).hosts).toEqual(['evil.test:443']);
    expect((await pip(tree, { env, untrusted })).hosts).toEqual(['index.test:443', 'files.test:443']);
  });
});
