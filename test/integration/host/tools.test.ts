import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { probeInterpreter, probeTools, type ToolQuestion } from '../../../src/host/tools.ts';
import { aTree, dir, type Entry, link, program } from '../../support/trees.ts';

/** Asks about a tree whose /home is HOME, /sys is visible and whose paths begin at the tree's root; `~` stands for that. */
const probe = async (
  entries: Readonly<Record<string, Entry>>,
  { path = [], command, only = [] }: { path?: readonly string[]; command?: string; only?: readonly string[] },
) => {
  const root = aTree({ home: dir, work: dir, 'sys/bin': dir, ...entries });
  const inside = (place: string) => (place.startsWith('/') ? `${root}${place}` : place);
  const question: ToolQuestion = {
    path: path.map(inside),
    home: join(root, 'home'),
    cwd: join(root, 'work'),
    visible: [join(root, 'sys')],
    writable: [join(root, 'work')],
    command: command === undefined ? undefined : inside(command),
    only,
  };
  const { toolchains, links, path: shown, command: found } = await probeTools(question);
  const outside = (place: string) => place.replaceAll(root, '');
  return {
    roots: toolchains.map(({ root: at, kind }) => `${outside(at)}${kind === 'dir' ? '/' : ''}`),
    links: links.map(({ name, target }) => `${name} -> ${outside(target)}`),
    path: shown.map(outside),
    command: found === undefined ? undefined : outside(found),
  };
};

describe('PATH', () => {
  test('a visible entry stands for itself, a missing or relative one or a file for nothing', async () => {
    expect(
      await probe({ 'sys/bin/x': program(), file: 'x' }, { path: ['/sys/bin', '/none', 'relative', '', '.', '/file'] }),
    ).toEqual({ roots: [], links: [], path: ['/sys/bin'], command: undefined });
  });

  test('a link to a visible entry stands for where it leads', async () => {
    expect(await probe({ bin: link('sys/bin') }, { path: ['/bin', '/sys/bin'] })).toMatchObject({ path: ['/sys/bin'] });
  });

  test('the bin folder of a tree of its own shows that tree', async () => {
    const entries = {
      'home/.nvm/v22/bin/node': program('binary'),
      'home/.nvm/v22/lib/x': 'x',
      'home/.nvm/secret': 'x',
    };
    expect(await probe(entries, { path: ['/home/.nvm/v22/bin'] })).toEqual({
      roots: ['/home/.nvm/v22/'],
      links: [],
      path: ['/home/.nvm/v22/bin'],
      command: undefined,
    });
  });

  test('the programs of a shared folder get links, one by one, and what is no program gets none', async () => {
    const entries = {
      'home/.local/bin/uv': program('binary'),
      'home/.local/bin/notes.txt': 'x',
      'home/.local/bin/folder': dir,
      'home/.local/bin/dangling': link('nowhere'),
      'home/.local/bin/loop': link('loop'),
      'home/.local/bin/claude': link('../share/claude/2.0'),
      'home/.local/share/claude/2.0': program('binary'),
      'home/.local/share/keyring': 'secret',
    };
    expect(await probe(entries, { path: ['/home/.local/bin', '/sys/bin'] })).toEqual({
      roots: ['/home/.local/share/claude/2.0', '/home/.local/bin/uv'],
      links: ['claude -> /home/.local/share/claude/2.0', 'uv -> /home/.local/bin/uv'],
      path: ['links', '/sys/bin'],
      command: undefined,
    });
  });

  test('of two programs of one name the first on PATH counts', async () => {
    const entries = { 'home/bin/x': program('one'), 'home/.cargo/bin/x': program('two') };
    expect(await probe(entries, { path: ['/home/bin', '/home/.cargo/bin'] })).toMatchObject({
      roots: ['/home/bin/x'],
      links: ['x -> /home/bin/x'],
      path: ['links'],
    });
  });

  test('a folder of more programs than anyone installs is not followed', async () => {
    const entries = Object.fromEntries(Array.from({ length: 401 }, (_, at) => [`home/bin/p${at}`, program()]));
    expect(await probe(entries, { path: ['/home/bin'] })).toEqual({
      roots: [],
      links: [],
      path: [],
      command: undefined,
    });
  });

  test('a script brings its interpreter', async () => {
    const entries = {
      'home/bin/tool': program('#!~/opt/py/bin/python3 -u\n'),
      'opt/py/bin/python3': program('binary'),
      'opt/py/lib/os.py': 'x',
    };
    expect((await probe(entries, { path: ['/home/bin'] })).roots).toEqual(['/home/bin/tool', '/opt/py/']);
  });

  test('a script that asks env(1) for its interpreter brings the one on PATH', async () => {
    const entries = {
      'home/.npm-global/bin/claude': link('../lib/node_modules/@x/claude/cli.js'),
      'home/.npm-global/lib/node_modules/@x/claude/cli.js': program('#!/usr/bin/env node\n'),
      'opt/node/bin/node': program('binary'),
      'opt/node/lib/x': 'x',
    };
    expect(await probe(entries, { path: ['/home/.npm-global/bin', '/opt/node/bin'] })).toMatchObject({
      roots: ['/opt/node/', '/home/.npm-global/lib/node_modules/@x/claude/'],
      links: ['claude -> /home/.npm-global/lib/node_modules/@x/claude/cli.js'],
      path: ['links', '/opt/node/bin'],
    });
  });

  test('an entry within the tree of another stands for itself; what its links lead to is shown too', async () => {
    const entries = {
      'home/.pyenv/libexec/pyenv': program('#!/usr/bin/env bash\n'),
      'home/.pyenv/libexec/odd': link('../../else/odd'),
      'home/.pyenv/libexec/gone': link('../../else/gone'),
      'home/.pyenv/libexec/folder': link('../../else'),
      'home/.pyenv/shims/python': program('#!/usr/bin/env bash\n'),
      'home/.pyenv/versions/3/x': 'x',
      'home/else/odd': program('binary'),
      'home/else/secret': 'secret',
    };
    expect(await probe(entries, { path: ['/home/.pyenv/libexec', '/home/.pyenv/shims'] })).toMatchObject({
      roots: ['/home/.pyenv/', '/home/else/odd'],
      links: [],
      path: ['/home/.pyenv/libexec', '/home/.pyenv/shims'],
    });
  });

  test('interpreters that name each other in a circle end', async () => {
    const entries = { 'home/bin/a': program('#!~/home/bin/b\n'), 'home/bin/b': program('#!~/home/bin/a\n') };
    expect((await probe(entries, { path: ['/home/bin'] })).roots.sort()).toEqual(['/home/bin/a', '/home/bin/b']);
  });
});

describe('the command', () => {
  const claude = {
    'opt/claude/bin/claude': program('binary'),
    'opt/claude/lib/x': 'x',
    'home/link': link('../opt/claude/bin/claude'),
  };

  test.each([
    ['/opt/claude/bin/claude', '/opt/claude/bin/claude'],
    ['/home/link', '/opt/claude/bin/claude'],
    ['../home/link', '/opt/claude/bin/claude'],
    ['../opt/./claude/bin/claude', '/opt/claude/bin/claude'],
  ])('%s is followed to its package', async (command, real) => {
    expect(await probe(claude, { command })).toEqual({ roots: ['/opt/claude/'], links: [], path: [], command: real });
  });

  test('a name is found along PATH', async () => {
    expect(await probe(claude, { command: 'claude', path: ['/sys/bin', '/opt/claude/bin'] })).toMatchObject({
      roots: ['/opt/claude/'],
      path: ['/sys/bin', '/opt/claude/bin'],
      command: '/opt/claude/bin/claude',
    });
  });

  test.each(['none', './none', '/home/none', '/home'])(
    '%s, which is not there or no file, is left to the run',
    async (command) => {
      expect(await probe(claude, { command, path: ['/sys/bin'] })).toMatchObject({ roots: [], command: undefined });
    },
  );

  test('a dangling link and a loop are left to the run', async () => {
    const entries = { 'work/a': link('b'), 'work/b': link('a'), 'work/gone': link('nowhere') };
    for (const command of ['./a', './gone']) {
      expect(await probe(entries, { command })).toMatchObject({ roots: [], command: undefined });
    }
  });
});

describe('path.tools', () => {
  const entries = {
    'home/bin/git': program('binary'),
    'home/bin/other': program('binary'),
    'sys/bin/ls': program('binary'),
  };

  test('exactly those get links, wherever they are', async () => {
    expect(await probe(entries, { path: ['/home/bin', '/sys/bin'], only: ['git', 'ls', 'none'] })).toEqual({
      roots: ['/home/bin/git'],
      links: ['git -> /home/bin/git', 'ls -> /sys/bin/ls'],
      path: ['links'],
      command: undefined,
    });
  });

  test('the command is followed without a link', async () => {
    expect(await probe(entries, { path: ['/home/bin'], only: ['git'], command: 'other' })).toEqual({
      roots: ['/home/bin/git', '/home/bin/other'],
      links: ['git -> /home/bin/git'],
      path: ['links'],
      command: '/home/bin/other',
    });
  });
});

test.each<[string, string | undefined]>([
  ['#!/bin/sh\n', '/bin/sh'],
  ['#! \t/bin/sh -e\n', '/bin/sh'],
  ['#!/usr/bin/env -S node --flag\n', 'node'],
  ['#!/usr/bin/env -i A=1 python3 -u\n', 'python3'],
  ['#!/usr/bin/env\n', undefined],
  [' #!/bin/sh', undefined],
  ['\x7fELF', undefined],
  ['', undefined],
])('the interpreter of %j is %s', (head, expected) => {
  expect(probeInterpreter(join(aTree({ script: head }), 'script'))).toBe(expected);
});

test.each<[string, string | undefined]>([
  ['#!/bin/sh', '/bin/sh'],
  ['#!/usr/bin/env node', 'node'],
  ['#!', undefined],
  ['#!\n/bin/sh', undefined],
])('of %j, whose first line does not end or is empty, it is %s', (head, expected) => {
  expect(probeInterpreter(join(aTree({ script: head }), 'script'))).toBe(expected);
});
