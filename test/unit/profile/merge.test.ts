import { expect, test } from 'vitest';
import type { Layer } from '../../../src/profile/layer.ts';
import { mergeLayers } from '../../../src/profile/merge.ts';

const noNetwork = { allow: [], deny: [], hosts: {}, publish: [] };
const aLayer = (file: string, changes: Partial<Layer> = {}): Layer => ({
  file,
  extends: [],
  mounts: [],
  protect: [],
  env: { pass: [], passIfVisible: [], set: {} },
  tools: [],
  network: noNetwork,
  credentials: [],
  limits: {},
  require: [],
  ...changes,
});
const aMount = (source: string, origin = 'x') => ({ source, mode: 'ro', base: '/w', origin }) as const;

test('no layer declares nothing', () => {
  expect(mergeLayers([])).toEqual({
    sources: [],
    command: [],
    mounts: [],
    protect: [],
    env: { pass: [], passIfVisible: [], set: {} },
    network: { mode: 'none', ...noNetwork },
    path: { tools: [] },
    credentials: [],
    limits: {},
    hide: 'usual',
    require: [],
    userNamespaces: false,
  });
});

test('lists append without repeats, of single values the last one counts', () => {
  const below = aLayer('below', {
    command: ['git', 'git'],
    mounts: [aMount('a', 'below'), aMount('b')],
    protect: ['p', 'q'],
    env: { pass: ['A'], passIfVisible: ['V'], set: { ONE: '1', TWO: '1' } },
    tools: ['git'],
    network: { ...noNetwork, mode: 'none' },
    limits: { processes: 1, openFiles: 1 },
    require: ['hide'],
    userNamespaces: true,
  });
  const above = aLayer('above', {
    mounts: [aMount('c'), aMount('a', 'above'), { ...aMount('a'), mode: 'rw' }],
    protect: ['q', 'r'],
    env: { pass: ['B', 'A'], passIfVisible: [], set: { TWO: '2' } },
    tools: ['node', 'git'],
    network: { ...noNetwork, mode: 'limited' },
    limits: { openFiles: 2 },
    require: ['network', 'hide'],
  });
  expect(mergeLayers([below, above])).toEqual({
    sources: ['below', 'above'],
    command: ['git', 'git'],
    mounts: [aMount('a', 'below'), aMount('b'), aMount('c'), { ...aMount('a'), mode: 'rw' }],
    protect: ['p', 'q', 'r'],
    env: { pass: ['A', 'B'], passIfVisible: ['V'], set: { ONE: '1', TWO: '2' } },
    network: { mode: 'limited', ...noNetwork },
    path: { tools: ['git', 'node'] },
    credentials: [],
    limits: { processes: 1, openFiles: 2 },
    require: ['hide', 'network'],
    hide: 'usual',
    userNamespaces: true,
  });
});

test('a command replaces the one below as a whole, also by an empty one', () => {
  expect(mergeLayers([aLayer('a', { command: ['x', 'y'] }), aLayer('b', { command: ['z'] })]).command).toEqual(['z']);
  expect(mergeLayers([aLayer('a', { command: ['x', 'y'] }), aLayer('b', { command: [] })]).command).toEqual([]);
});

test('rules append without repeats, the later address of a name counts, and a layer without a mode keeps the one below', () => {
  const rule = (name: string, origin: string) =>
    ({ text: name, origin, match: { kind: 'name', name, subdomains: false } }) as const;
  const below = aLayer('below', {
    network: {
      mode: 'limited',
      allow: [rule('a.test', 'below')],
      deny: [rule('x.test', 'below')],
      hosts: { 'a.test': { address: '127.0.0.1', origin: 'below' }, 'b.test': { address: '::1', origin: 'below' } },
      publish: [{ hostPort: 1, port: 2, origin: 'below' }],
    },
  });
  const above = aLayer('above', {
    network: {
      allow: [rule('a.test', 'above'), { ...rule('a.test', 'above'), port: 8443 }, rule('b.test', 'above')],
      deny: [rule('y.test', 'above')],
      hosts: { 'a.test': { address: '127.0.0.2', port: 1, origin: 'above' } },
      publish: [
        { hostPort: 1, port: 2, origin: 'above' },
        { host: '127.0.0.2', hostPort: 1, port: 2, origin: 'above' },
      ],
    },
  });
  expect(mergeLayers([below, above]).network).toEqual({
    mode: 'limited',
    allow: [rule('a.test', 'below'), { ...rule('a.test', 'above'), port: 8443 }, rule('b.test', 'above')],
    deny: [rule('x.test', 'below'), rule('y.test', 'above')],
    hosts: {
      'a.test': { address: '127.0.0.2', port: 1, origin: 'above' },
      'b.test': { address: '::1', origin: 'below' },
    },
    publish: [
      { hostPort: 1, port: 2, origin: 'below' },
      { host: '127.0.0.2', hostPort: 1, port: 2, origin: 'above' },
    ],
  });
});
