import { linkSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { probeIdentity, probeProtected } from '../../../src/host/protected.ts';
import { aTree, dir, type Entry, link } from '../../support/trees.ts';

/** Existing paths as `path kind`, missing ones as `path missing`. */
const probe = (entries: Readonly<Record<string, Entry>>, declared: readonly string[] = []): string[] => {
  const [tree] = probeProtected([aTree(entries)], declared, false);
  const { existing = [], missing = [] } = tree ?? {};
  return [...existing.map(({ path, kind }) => `${path} ${kind}`), ...missing.map((path) => `${path} missing`)].sort();
};

/** What a tree has beside the repository that it has not. */
const probePlain = (entries: Readonly<Record<string, Entry>>, declared: readonly string[]): string[] =>
  probe(entries, declared).filter((line) => line !== '.git missing');

describe('declared paths', () => {
  test('are there as what they are, or missing', () => {
    expect(probePlain({ '.vscode': dir, 'sbox.json': '{}' }, ['.vscode', 'sbox.json', '.envrc'])).toEqual([
      '.envrc missing',
      '.vscode dir',
      'sbox.json file',
    ]);
  });

  test('count once', () => expect(probePlain({ a: 'x' }, ['a', 'a'])).toEqual(['a file']));

  test('below a link, the link stands for them', () => {
    const entries = { real: dir, 'real/settings.json': 'x', '.claude': link('real'), dangling: link('nowhere') };
    expect(probePlain(entries, ['.claude/settings.json', 'dangling'])).toEqual(['.claude link', 'dangling link']);
  });

  test('below a file are missing', () => {
    expect(probePlain({ a: 'x' }, ['a/b', 'c/d/e'])).toEqual(['a/b missing', 'c/d/e missing']);
  });
});

/** What is protected of every repository. */
const always = ['.git/commondir', '.git/config', '.git/config.worktree', '.git/gitdir', '.git/hooks'];

/** What a repository has beside that. */
const probeMore = (entries: Readonly<Record<string, Entry>>): string[] =>
  probe(entries).filter((line) => !always.includes(line.slice(0, line.lastIndexOf(' '))));

describe('a repository', () => {
  const config = (text: string) => ({ '.git/config': text });

  test('has settings that make git run programs or look elsewhere', () => {
    expect(probe({ '.git/HEAD': 'x' })).toEqual(always.map((path) => `${path} missing`));
    expect(
      probe({ '.git/config': 'x', '.git/hooks': dir, '.git/commondir': '..', '.git/config.worktree': '' }),
    ).toEqual([
      '.git/commondir file',
      '.git/config file',
      '.git/config.worktree file',
      '.git/gitdir missing',
      '.git/hooks dir',
    ]);
  });

  test('that is a file (a worktree, a submodule) is protected itself', () => {
    expect(probe({ '.git': 'gitdir: /elsewhere\n' })).toEqual(['.git file']);
  });

  test('that is not there yet would be one of the command', () => expect(probe({ x: 'y' })).toEqual(['.git missing']));

  test('that is a link is told as one', () => expect(probe({ x: dir, '.git': link('x') })).toEqual(['.git link']));

  test('that a file names below the tree has its settings there', () => {
    const entries = { '.git': 'gitdir: ./real/git\n', 'real/git/config': '[core]\n\thooksPath = hooks\n' };
    expect(probe(entries)).toEqual([
      '.git file',
      'hooks missing',
      'real/git/commondir missing',
      'real/git/config file',
      'real/git/config.worktree missing',
      'real/git/gitdir missing',
      'real/git/hooks missing',
    ]);
  });

  test('without settings of its own adds nothing', () => {
    expect(probeMore(config('[core]\n\tbare = false\n'))).toEqual([]);
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
  ])('whose config says %j', (text, expected) => expect(probeMore(config(text))).toEqual(expected));

  test.each<[string, readonly string[]]>([
    ['[core] hooksPath = hooks\n', ['hooks missing']],
    ['[core]\n\thooksPath = ho\\\noks\n', ['hooks missing']],
    ['[core]\n\thooksPath = my" hooks"\n', ['my hooks missing']],
    ['[core]\n\thooksPath = "a;b"\n', ['a;b missing']],
  ])('whose config says it in the way of %j', (text, expected) => expect(probeMore(config(text))).toEqual(expected));

  test('whose hooks path leads into the workspace absolutely', () => {
    const root = aTree({ '.git/config': '', hooks: dir });
    writeFileSync(join(root, '.git/config'), `[core]\n\thooksPath = ${root}/hooks\n`);
    expect(probeProtected([root], [], false)[0]?.existing).toContainEqual(
      expect.objectContaining({ path: 'hooks', kind: 'dir' }),
    );
  });

  test.each<[string, Readonly<Record<string, Entry>>, string]>([
    [
      'config.worktree',
      {
        '.git/config': '[extensions]\n\tworktreeConfig = true\n',
        '.git/config.worktree': '[core]\n\thooksPath = hooks\n',
      },
      'hooks missing',
    ],
    [
      'an included file',
      { '.git/config': '[include]\n\tpath = ../one\n', one: '[core]\n\thooksPath = hooks\n' },
      'hooks missing',
    ],
    [
      'a file included by an included file',
      { '.git/config': '[include]\n\tpath = ../one\n', one: '[include]\n\tpath = two\n', two: '' },
      'two file',
    ],
  ])('whose hooks or settings are named in %s', (_, entries, expected) => {
    expect(probe(entries)).toContain(expected);
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
    expect(probeMore(entries)).toEqual([
      '.git/modules/a/commondir missing',
      '.git/modules/a/config file',
      '.git/modules/a/config.worktree missing',
      '.git/modules/a/gitdir missing',
      '.git/modules/a/hooks dir',
      '.git/modules/deep/er/b/commondir missing',
      '.git/modules/deep/er/b/config file',
      '.git/modules/deep/er/b/config.worktree missing',
      '.git/modules/deep/er/b/gitdir missing',
      '.git/modules/deep/er/b/hooks missing',
    ]);
  });

  test('whose submodules have submodules', () => {
    const entries = {
      '.git/modules/a/HEAD': 'x',
      '.git/modules/a/modules/b/HEAD': 'x',
      '.git/modules/a/modules/b/config': 'x',
    };
    expect(probe(entries)).toContain('.git/modules/a/modules/b/config file');
  });

  test('whose submodules name hooks in the workspace', () => {
    const entries = {
      '.git/modules/a/HEAD': 'x',
      '.git/modules/a/config': '[core]\n\tworktree = ../../../a\n[include]\n\tpath = ../../shared\n',
    };
    expect(probe(entries)).toContain('.git/shared missing');
    expect(probe(entries)).toContain('a/.git missing'); // the file in the submodule that says where its repository is
  });

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
        '.git/worktrees/w/gitdir missing',
        '.git/worktrees/w/hooks missing',
      ]),
    );
  });

  test('whose config is a link, a folder or unreadable text is no error', () => {
    expect(probe({ '.git/config': link('/etc/passwd') })).toContain('.git/config link');
    expect(probe({ '.git/config': dir })).toContain('.git/config dir');
    expect(probeMore(config('\0\xff[['))).toEqual([]);
  });
});

describe('a protected path', () => {
  const identityIn = (root: string): string | undefined =>
    probeProtected([root], ['file'], false)[0]?.existing[0]?.identity;

  test('is known by an identity that changes when it is written to, replaced or removed', () => {
    const root = aTree({ file: 'x' });
    const [path, before] = [join(root, 'file'), identityIn(root)];
    expect(probeIdentity(path, false)).toBe(before);
    writeFileSync(path, 'longer');
    expect(probeIdentity(path, false)).not.toBe(before);
    writeFileSync(join(root, 'other'), 'x');
    renameSync(join(root, 'other'), path);
    expect(probeIdentity(path, false)).not.toBe(before);
    rmSync(path);
    expect(probeIdentity(path, false)).toBeUndefined();
  });

  test('that is written to in place and has its times set back is not the same', () => {
    const root = aTree({ file: 'before' });
    const path = join(root, 'file');
    const whole = new Date(1_700_000_000_000); // a time that utimes can set exactly
    utimesSync(path, whole, whole);
    const before = identityIn(root);
    writeFileSync(path, 'beyond');
    utimesSync(path, whole, whole);
    expect(probeIdentity(path, false)).not.toBe(before);
  });

  test('that is swapped for a link is not the same', () => {
    const root = aTree({ file: 'x', other: 'x' });
    const before = identityIn(root);
    rmSync(join(root, 'file'));
    symlinkSync('other', join(root, 'file'));
    expect(probeIdentity(join(root, 'file'), false)).not.toBe(before);
  });

  test('tells how many names it has; a directory has one', () => {
    const root = aTree({ file: 'x', 'folder/inner/x': 'y' });
    linkSync(join(root, 'file'), join(root, 'second'));
    const [tree] = probeProtected([root], ['file', 'folder'], false);
    expect(tree?.existing.map(({ path, names }) => [path, names])).toEqual([
      ['file', 2],
      ['folder', 1],
    ]);
  });

  test('is looked for in every writable tree, and not in a file or what is missing', () => {
    const [one, two] = [aTree({ 'sbox.json': '{}' }), aTree({ '.git/config': 'x' })];
    const trees = probeProtected([one, two, join(one, 'sbox.json'), join(one, 'none')], ['sbox.json'], false);
    expect(trees.map(({ root, existing }) => [root, existing.map(({ path }) => path)])).toEqual([
      [one, ['sbox.json']],
      [two, ['.git/config']],
    ]);
  });
});
