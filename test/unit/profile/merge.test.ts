import { expect, test } from 'vitest';
import type { Layer } from '../../../src/profile/layer.ts';
import { mergeLayers } from '../../../src/profile/merge.ts';

const aLayer = (file: string, changes: Partial<Layer> = {}): Layer => ({
  file,
  extends: [],
  mounts: [],
  protect: [],
  env: { pass: [], passIfVisible: [], set: {} },
  tools: [],
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
    network: { mode: 'none' },
    path: { tools: [] },
    limits: {},
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
    networkMode: 'none',
    limits: { processes: 1, openFiles: 1 },
    require: ['hide'],
    userNamespaces: true,
  });
  const above = aLayer('above', {
    mounts: [aMount('c'), aMount('a', 'above'), { ...aMount('a'), mode: 'rw' }],
    protect: ['q', 'r'],
    env: { pass: ['B', 'A'], passIfVisible: [], set: { TWO: '2' } },
    tools: ['node', 'git'],
    networkMode: 'limited',
    limits: { openFiles: 2 },
    require: ['network', 'hide'],
  });
  expect(mergeLayers([below, above])).toEqual({
    sources: ['below', 'above'],
    command: ['git', 'git'],
    mounts: [aMount('a', 'below'), aMount('b'), aMount('c'), { ...aMount('a'), mode: 'rw' }],
    protect: ['p', 'q', 'r'],
    env: { pass: ['A', 'B'], passIfVisible: ['V'], set: { ONE: '1', TWO: '2' } },
    network: { mode: 'limited' },
    path: { tools: ['git', 'node'] },
    limits: { processes: 1, openFiles: 2 },
    require: ['hide', 'network'],
    userNamespaces: true,
  });
});

test('a command replaces the one below as a whole, also by an empty one', () => {
  expect(mergeLayers([aLayer('a', { command: ['x', 'y'] }), aLayer('b', { command: ['z'] })]).command).toEqual(['z']);
  expect(mergeLayers([aLayer('a', { command: ['x', 'y'] }), aLayer('b', { command: [] })]).command).toEqual([]);
});
