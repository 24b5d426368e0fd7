import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listing } from '../../support/listing.ts';
import { needs, program } from '../../support/needs.ts';
import { aWorkspace, eachUser, runOutside, runSbox, runScript, type User, type Workspace } from '../../support/sbox.ts';

const git = needs(program('git'));

const gitEnv = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

/** A workspace with a repository, hooks, and settings of editors and agents. */
const aRepository = async (as: User): Promise<Workspace> => {
  const workspace = aWorkspace(as);
  const made = await runOutside(
    ['sh', '-c', 'git init -q . && echo one > file && git add file && git commit -qm one'],
    { ...workspace, env: gitEnv },
  );
  expect(made.stderr).toBe('');
  workspace.write('.git/hooks/pre-commit', '#!/bin/sh\nexit 0\n', 0o755);
  workspace.write('sbox.json', '{}\n');
  workspace.write('.vscode/settings.json', '{}\n');
  workspace.write('.claude/settings.json', '{}\n');
  workspace.write('.claude/notes.md', 'notes\n');
  return workspace;
};

/** Each changes a protected path where nothing protects it. */
const attacks: readonly (readonly [string, string])[] = [
  ['appending to a hook', 'echo evil >> .git/hooks/pre-commit'],
  ['making a new hook', 'echo evil > .git/hooks/post-checkout'],
  ['appending to .git/config', 'echo "[core] fsmonitor = evil" >> .git/config'],
  ['git config', 'git config core.fsmonitor evil'],
  ['replacing .git/config by renaming over it', 'echo evil > .git/new; mv -f .git/new .git/config'],
  ['replacing .git/config by a link', 'ln -sf /tmp/evil .git/config'],
  ['renaming .git/config', 'mv .git/config .git/config2'],
  ['removing .git/config', 'rm -f .git/config'],
  ['renaming .git/hooks', 'mv .git/hooks .git/hooks2'],
  ['renaming .git', 'mv .git .git2'],
  ['removing .git', 'rm -rf .git; [ ! -e .git/config ]'],
  [
    'exchanging .git for another directory',
    'mkdir other && mv --exchange .git other 2>/dev/null || mv -T .git other/git',
  ],
  ['changing the mode of a hook', 'chmod 600 .git/hooks/pre-commit'],
  ['changing the time of a hook', 'touch -d 2001-01-01 .git/hooks/pre-commit'],
  ['truncating sbox.json', 'truncate -s 0 sbox.json'],
  ['removing sbox.json', 'rm -f sbox.json'],
  ['making a file in .vscode', 'echo evil > .vscode/tasks.json'],
  ['renaming .vscode', 'mv .vscode .vscode2'],
  ['renaming the parent of .claude/settings.json', 'mv .claude .claude2'],
  ['writing .claude/settings.json', 'echo evil > .claude/settings.json'],
  ['a hard link to write through', 'ln .git/config alias && echo evil >> alias'],
  ['unmounting', 'umount .git/config 2>/dev/null; umount -l .git/hooks 2>/dev/null; echo evil >> .git/config'],
  [
    'mounting over',
    'mount -t tmpfs none .git/hooks && umount .git/hooks; mount -o remount,rw,bind .git/hooks; echo evil > .git/hooks/x',
  ],
  [
    'a new user namespace',
    'unshare -Urm sh -c "mount -o remount,bind,rw .git/hooks; umount .git/hooks" 2>/dev/null; echo evil > .git/hooks/x',
  ],
];

const protectedNames = ['.git/config', '.git/hooks', 'sbox.json', '.vscode', '.claude/settings.json'];
const protectedState = ({ cwd }: Workspace) =>
  listing(cwd).filter((line) =>
    protectedNames.some((name) => line === name || line.startsWith(`${name} `) || line.startsWith(`${name}/`)),
  );

eachUser((as) => {
  describe('an existing protected path stays as it is against', () => {
    git.each(attacks)('%s', async (_, attack) => {
      // the control: the same attack, outside, on a repository like it; what root mounts goes with the namespace
      const bare = await aRepository(as);
      const unprotected = protectedState(bare);
      await runOutside([...(as === 'root' ? ['unshare', '--mount'] : []), 'sh', '-c', attack], {
        ...bare,
        env: gitEnv,
      });
      expect(protectedState(bare), 'the attack works outside').not.toEqual(unprotected);

      const workspace = await aRepository(as);
      const before = protectedState(workspace);
      const ended = await runScript(`${attack}; echo tried`, workspace, ['--no-config']);
      expect(ended.stdout).toContain('tried');
      expect(protectedState(workspace)).toEqual(before);
    });
  });

  git('git works inside: status, add, commit, branch, stash, log', async () => {
    const workspace = await aRepository(as);
    const script = `set -e; git status --short; echo two > file; git add file; git commit -qm two
      git checkout -qb branch; echo three > file; git stash -q; git stash pop -q; git checkout -q -- file
      git log --oneline | wc -l; git gc -q; git fsck`;
    const flags = ['--no-config', ...Object.entries(gitEnv).flatMap(([name, value]) => ['--env', `${name}=${value}`])];
    const ended = await runScript(script, workspace, flags);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('2\n') });
    expect((await runOutside(['git', 'log', '--oneline'], workspace)).stdout).toContain(' two\n');
  });

  test('a protected path that the command makes is reported at the end, and only that', async () => {
    const workspace = aWorkspace(as);
    const script =
      'mkdir -p .git/hooks .idea; echo evil > .git/hooks/post-merge; echo x > harmless; echo {} > .mcp.json';
    const { stderr, code } = await runSbox(['run', '--', 'sh', '-c', script], workspace);
    expect(code).toBe(0);
    const notes = stderr.split('\n').filter((line) => line.includes('was made or changed'));
    expect(notes.map((line) => /"(.*?)"/.exec(line)?.[1]).sort()).toEqual(['.git', '.git/hooks', '.idea', '.mcp.json']);
  });

  test('what was made or changed in one run is protected in the next', async () => {
    const workspace = aWorkspace(as);
    await runScript('mkdir .vscode; echo one > .vscode/tasks.json', workspace);
    await runScript('echo two > .vscode/tasks.json; rm -rf .vscode', workspace);
    expect(readFileSync(join(workspace.cwd, '.vscode/tasks.json'), 'utf8')).toBe('one\n');
  });

  test('an explicit writable mount lifts the protection of one path, and of no other', async () => {
    const workspace = aWorkspace(as);
    workspace.write('.vscode/settings.json', 'one\n');
    workspace.write('.idea/x.xml', 'one\n');
    const script = 'echo two > .vscode/settings.json; echo two > .idea/x.xml';
    await runScript(script, workspace, ['--mount', './.vscode:rw']);
    expect(readFileSync(join(workspace.cwd, '.vscode/settings.json'), 'utf8')).toBe('two\n');
    expect(readFileSync(join(workspace.cwd, '.idea/x.xml'), 'utf8')).toBe('one\n');
  });

  test('an explicit writable mount of a single file lifts its protection', async () => {
    const workspace = aWorkspace(as);
    workspace.write('.claude/settings.json', 'one\n');
    await runScript('echo two > .claude/settings.json', workspace, ['--mount', './.claude/settings.json:rw']);
    expect(readFileSync(join(workspace.cwd, '.claude/settings.json'), 'utf8')).toBe('two\n');
  });

  test('a sbox.json that the command planted does not apply: the next run refuses it until it is trusted', async () => {
    const workspace = aWorkspace(as);
    workspace.write(join(workspace.base, 'secret/key'), 'secret');
    const planted = JSON.stringify({ mounts: [`${workspace.base}/secret:ro`], network: { mode: 'full' } });
    await runScript(`cat > sbox.json`, { ...workspace, stdin: planted });
    const refused = await runSbox(['run', '--', 'cat', join(workspace.base, 'secret/key')], workspace);
    expect(refused).toMatchObject({ code: 125, stdout: '' });
    expect(refused.stderr).toContain('[SBOX_E_UNTRUSTED]');
    expect(await runSbox(['trust'], workspace)).toMatchObject({ code: 0 });
    const trusted = await runSbox(['run', '-q', '--', 'cat', join(workspace.base, 'secret/key')], workspace);
    expect(trusted).toMatchObject({ code: 0, stdout: 'secret' });
    workspace.write('sbox.json', `${planted} `);
    expect((await runSbox(['run', '--', 'true'], workspace)).stderr).toContain('[SBOX_E_UNTRUSTED]');
  });

  describe('mounts', () => {
    const aFolder = (workspace: Workspace) => {
      workspace.write(join(workspace.base, 'data/file'), 'original\n');
      return join(workspace.base, 'data');
    };

    test('are read-only unless said otherwise', async () => {
      const workspace = aWorkspace(as);
      const data = aFolder(workspace);
      const ended = await runScript(`cat ${data}/file; echo x > ${data}/file; touch ${data}/new`, workspace, [
        '--mount',
        data,
      ]);
      expect(ended.stdout).toBe('original\n');
      expect(ended.stderr).toContain('Read-only file system');
      expect(listing(data).length).toBe(1);
    });

    test('may be writable, and lie at a target of their own', async () => {
      const workspace = aWorkspace(as);
      const data = aFolder(workspace);
      const ended = await runScript(`echo changed > /data/file; ls ${data}`, workspace, [
        '--mount',
        `${data}:/data:rw`,
      ]);
      expect(ended.stderr).toContain('No such file or directory');
      expect(readFileSync(join(data, 'file'), 'utf8')).toBe('changed\n');
    });

    test('a read-only mount wins inside the writable workspace', async () => {
      const workspace = aWorkspace(as);
      workspace.write('fixed/file', 'original\n');
      const script = 'echo x > fixed/file; mv fixed moved; rm -rf fixed; echo fine > other';
      await runScript(script, workspace, ['--mount', './fixed:ro']);
      expect(listing(workspace.cwd).map((line) => line.split(' ')[0])).toEqual(['fixed', 'fixed/file', 'other']);
      expect(readFileSync(join(workspace.cwd, 'fixed/file'), 'utf8')).toBe('original\n');
    });

    test('as a copy are private and kept for the next run', async () => {
      const workspace = aWorkspace(as);
      const data = aFolder(workspace);
      const flags = ['--mount', `${data}:copy`];
      expect((await runScript(`cat ${data}/file; echo changed > ${data}/file`, workspace, flags)).stdout).toBe(
        'original\n',
      );
      expect((await runScript(`cat ${data}/file`, workspace, flags)).stdout).toBe('changed\n');
      expect(readFileSync(join(data, 'file'), 'utf8')).toBe('original\n');
    });

    test('as a copy are fresh in an ephemeral run, which changes nothing for later ones', async () => {
      const workspace = aWorkspace(as);
      const data = aFolder(workspace);
      const flags = ['--mount', `${data}:copy`];
      await runScript(`echo kept > ${data}/file`, workspace, flags);
      const script = `cat ${data}/file; echo lost > ${data}/file`;
      expect((await runScript(script, workspace, [...flags, '--ephemeral'])).stdout).toBe('original\n');
      expect((await runScript(`cat ${data}/file`, workspace, flags)).stdout).toBe('kept\n');
      expect(listing(join(workspace.stateHome, 'sbox')).filter((line) => line.includes('ephemeral/'))).toEqual([]);
    });

    test('a copy of a part of the workspace leaves the workspace alone', async () => {
      const workspace = aWorkspace(as);
      workspace.write('fixtures/file', 'original\n');
      const ended = await runScript('echo changed > fixtures/file; cat fixtures/file', workspace, [
        '--mount',
        './fixtures:copy',
      ]);
      expect(ended.stdout).toBe('changed\n');
      expect(readFileSync(join(workspace.cwd, 'fixtures/file'), 'utf8')).toBe('original\n');
    });

    test.each(['ro', 'rw', 'copy'])(
      'a source that leads through a link in the workspace is refused: %s',
      async (mode) => {
        const workspace = aWorkspace(as);
        const secret = aFolder(workspace);
        await runScript(`ln -s ${secret} cache`, workspace);
        const ended = await runSbox(['run', '--mount', `./cache:/data:${mode}`, '--', 'ls', '/data'], workspace);
        expect(ended).toMatchObject({ code: 2, stdout: '' });
        expect(ended.stderr).toContain('leads through the symbolic link');
        expect(ended.stderr).toContain('[SBOX_E_MOUNT]');
        const below = await runSbox(['run', '--mount', `./cache/file:/data:${mode}`, '--', 'cat', '/data'], workspace);
        expect(below).toMatchObject({ code: 2, stdout: '' });
      },
    );

    test('a link of the operator, outside of what is writable, is followed', async () => {
      const workspace = aWorkspace(as);
      const link = workspace.link(aFolder(workspace), join(workspace.base, 'link'));
      expect((await runScript('cat /data/file', workspace, ['--mount', `${link}:/data`])).stdout).toBe('original\n');
    });

    test('a target that the command has turned into a link in HOME ends the run and makes nothing at its end', async () => {
      const workspace = aWorkspace(as);
      const data = aFolder(workspace);
      const victim = workspace.mkdir(join(workspace.base, 'victim'));
      await runScript(`ln -s ${victim} ~/x`, workspace);
      const sandboxes = join(workspace.stateHome, 'sbox');
      const before = listing(victim);
      const ended = await runSbox(['run', '-q', '--mount', `${data}:${workspace.home}/x/y`, '--', 'true'], workspace);
      expect(ended.code).not.toBe(0);
      expect(ended.stderr).toContain('sbox: error: ');
      expect(listing(victim)).toEqual(before);
      expect(listing(sandboxes).filter((line) => line.includes('/x/'))).toEqual([]);
    });
  });

  test('a protected path that is a link is told of, since it can not be protected', async () => {
    const workspace = aWorkspace(as);
    mkdirSync(join(workspace.cwd, 'real'));
    symlinkSync('real', join(workspace.cwd, '.vscode'));
    const { stderr } = await runSbox(['run', '--', 'true'], workspace);
    expect(stderr).toMatch(/\.vscode" is a symbolic link: it can't be protected/);
  });

  test('the workspace may be renamed and its sandbox is another one', async () => {
    const workspace = aWorkspace(as);
    await runScript('echo kept > ~/note', workspace);
    const moved = join(workspace.base, 'moved');
    renameSync(workspace.cwd, moved);
    expect((await runScript('ls ~', { ...workspace, cwd: moved })).stdout).toBe('');
    rmSync(moved, { recursive: true });
  });
});
