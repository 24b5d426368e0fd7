import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { probeProtected } from '../../../src/host/protected.ts';
import { aTree, dir, type Entry, link } from '../../support/trees.ts';

/** Existing paths as `path kind`, missing ones as `path missing`. */
const probe = (entries: Readonly<Record<string, Entry>>, declared: readonly string[] = []): string[] => {
  const { existing, missing } = probeProtected(aTree(entries), declared);
  return [...existing.map(({ path, kind }) => `${path} ${kind}`), ...missing.map((path) => `${path} missing`)].sort();
};

describe('declared paths', () => {
  test('are there as what they are, or missing', () => {
    expect(probe({ '.vscode': dir, 'sbox.json': '{}' }, ['.vscode', 'sbox.json', '.envrc'])).toEqual([
      '.envrc missing',
      '.vscode dir',
      'sbox.json file',
    ]);
  });

  test('count once', () => expect(probe({ a: 'x' }, ['a', 'a'])).toEqual(['a file']));

  test('below a link, the link stands for them', () => {
    const entries = { real: dir, 'real/settings.json': 'x', '.claude': link('real'), dangling: link('nowhere') };
    expect(probe(entries, ['.claude/settings.json', 'dangling'])).toEqual(['.claude link', 'dangling link']);
  });

  test('below a file are missing', () => {
    expect(probe({ a: 'x' }, ['a/b', 'c/d/e'])).toEqual(['a/b missing', 'c/d/e missing']);
  });
});

describe('a repository', () => {
  const config = (text: string) => ({ '.git/config': text });

  test('that is a file (a worktree, a submodule) is protected itself', () => {
    expect(probe({ '.git': 'gitdir: /elsewhere\n' })).toEqual(['.git file']);
  });

  test('that is a link is left alone', () => expect(probe({ x: dir, '.git': link('x') })).toEqual([]));

  test('without settings of its own adds nothing', () => {
    expect(probe(config('[core]\n\tbare = false\n'))).toEqual([]);
  });

  test.each<[string, readonly string[]]>([
    ['[core]\n\thooksPath = .husky/_\n', ['.husky/_ missing']],
    ['[core]\n hookspath="my hooks"\n', ['my hooks missing']],
    ['[core]\nhooksPath=hooks/ ; comment\n', ['hooks missing']],
    ['[core]\nHOOKSPATH = hooks # comment\n', ['hooks missing']],
    ['[include]\n\tpath = shared\n', ['.git/shared missing']],
    ['[include]\n\tpath = ../.gitconfig\n', ['.gitconfig missing']],
    ['[includeIf "gitdir:x"]\n\tpath = ../a/../b\n', ['b missing']],
    ['[core]\n\thooksPath = /usr/share/hooks\n', []],
    ['[core]\n\thooksPath = ~/hooks\n', []],
    ['[include]\n\tpath = ../../outside\n', []],
    ['[core]\n\thooksPath = .\n', []],
    ['[core]\n\thooksPath = ../x\n', []],
    ['[core]\n\thooksPath = one\n\thooksPath = two\n', ['one missing', 'two missing']],
  ])('whose config says %j', (text, expected) => expect(probe(config(text))).toEqual(expected));

  // fails: git takes these spellings (git-config(1), "Syntax"), the probe does not
  test.each<[string, readonly string[]]>([
    ['[core] hooksPath = hooks\n', ['hooks missing']],
    ['[core]\n\thooksPath = ho\\\noks\n', ['hooks missing']],
    ['[core]\n\thooksPath = my" hooks"\n', ['my hooks missing']],
    ['[core]\n\thooksPath = "a;b"\n', ['a;b missing']],
  ])('nor %j', (text, expected) => expect(probe(config(text))).toEqual(expected));

  // fails: an absolute path into the workspace is as writable as a relative one
  test('whose hooks path leads into the workspace absolutely', () => {
    const root = aTree({ '.git/config': '', hooks: dir });
    writeFileSync(join(root, '.git/config'), `[core]\n\thooksPath = ${root}/hooks\n`);
    expect(probeProtected(root, []).existing).toEqual([{ path: 'hooks', kind: 'dir' }]);
  });

  test('whose submodules have settings and hooks of their own', () => {
    const entries = {
      '.git/modules/a/HEAD': 'x',
      '.git/modules/a/config': 'x',
      '.git/modules/a/hooks': dir,
      '.git/modules/deep/er/b/HEAD': 'x',
      '.git/modules/deep/er/b/config': 'x',
      '.git/modules/not-one/x': 'x',
      '.git/modules/linked': link('a'),
    };
    expect(probe(entries)).toEqual([
      '.git/modules/a/config file',
      '.git/modules/a/hooks dir',
      '.git/modules/deep/er/b/config file',
      '.git/modules/deep/er/b/hooks missing',
    ]);
  });

  // fails: a submodule within a submodule lies in .git/modules/a/modules/b
  test('whose submodules have submodules', () => {
    const entries = {
      '.git/modules/a/HEAD': 'x',
      '.git/modules/a/modules/b/HEAD': 'x',
      '.git/modules/a/modules/b/config': 'x',
    };
    expect(probe(entries)).toContain('.git/modules/a/modules/b/config file');
  });

  // fails: commondir says where the host's git takes config and hooks from (gitrepository-layout(5)), also in .git itself
  test('whose linked worktrees say where its settings are', () => {
    const entries = {
      '.git/worktrees/w/HEAD': 'x',
      '.git/worktrees/w/commondir': '../..\n',
      '.git/worktrees/w/config.worktree': 'x',
    };
    expect(probe(entries)).toEqual(
      expect.arrayContaining([
        '.git/commondir missing',
        '.git/worktrees/w/commondir file',
        '.git/worktrees/w/config.worktree file',
      ]),
    );
  });

  test('whose config is a link, a folder or unreadable text is no error', () => {
    expect(probe({ '.git/config': link('/etc/passwd') })).toEqual([]);
    expect(probe({ '.git/config': dir })).toEqual([]);
    expect(probe(config('\0\xff[['))).toEqual([]);
  });
});
