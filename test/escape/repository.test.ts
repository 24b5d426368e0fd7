import { existsSync, linkSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs, program } from '../support/needs.ts';
import { aWorkspace, type Ended, eachUser, runOutside, runSbox, startSbox, type Workspace } from '../support/sbox.ts';

const test = needs(program('git'));

const identity = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

const shell = (script: string, workspace: Workspace): Promise<Ended> =>
  runOutside(['sh', '-c', script], { ...workspace, env: identity });

const aRepository = async (workspace: Workspace, more = 'true'): Promise<void> => {
  const made = await shell(`git init -q && echo a >a && git add a && git commit -qm a && ${more}`, workspace);
  expect(made).toMatchObject({ code: 0, stderr: '' });
};

const flags = ['-e', 'CONFIG', ...Object.keys(identity).flatMap((name) => ['-e', name])];

interface Attack {
  readonly name: string;
  readonly before?: string;
  readonly attack: string;
  readonly trigger?: string;
}

const config = (file: string) => `printf '%s' "$CONFIG" >>${file}`;

const attacks: readonly Attack[] = [
  { name: 'its configuration', attack: config('.git/config') },
  { name: 'its configuration, replaced', attack: `cp .git/config new; ${config('new')}; mv -f new .git/config` },
  { name: 'its folder, renamed', attack: `mv .git old; cp -r old .git; ${config('.git/config')}` },
  { name: 'its hooks', attack: 'echo "touch $PROOF" >.git/hooks/pre-commit; chmod 755 .git/hooks/pre-commit' },
  {
    name: 'its hooks folder, relative',
    before:
      'mkdir hooks && printf "#!/bin/sh\\n" >hooks/pre-commit && chmod 755 hooks/pre-commit && git config core.hooksPath hooks',
    attack: 'echo "touch $PROOF" >>hooks/pre-commit',
  },
  {
    name: 'its included configuration',
    before: 'touch included && git config include.path ../included',
    attack: config('included'),
  },
  {
    name: "a submodule's configuration",
    before:
      'git init -q ../other && (cd ../other && echo b >b && git add b && git commit -qm b) && git -c protocol.file.allow=always submodule --quiet add ../other sub && git commit -qm sub',
    attack: config('.git/modules/sub/config'),
  },
];

/** Ways round the settings themselves: where git is told to look for them. */
const detours: readonly Attack[] = [
  {
    name: 'a commondir file',
    attack: `cp -r .git evil; ${config('evil/config')}; echo ../evil >.git/commondir`,
  },
  {
    name: 'a .git file where there was no repository',
    before: 'rm -rf .git',
    attack: `git init -q x; mv x/.git evil; ${config('evil/config')}; echo "gitdir: evil" >.git`,
  },
  {
    name: 'the folder that its .git file names',
    before: 'mv .git .bare && echo "gitdir: ./.bare" >.git',
    attack: config('.bare/config'),
  },
  {
    name: 'its hooks folder, absolute',
    before:
      'mkdir hooks && printf "#!/bin/sh\\n" >hooks/pre-commit && chmod 755 hooks/pre-commit && git config core.hooksPath "$PWD/hooks"',
    attack: 'echo "touch $PROOF" >>hooks/pre-commit',
  },
  {
    name: 'its hooks folder, named on the line of the section',
    before:
      'mkdir hooks && printf "#!/bin/sh\\n" >hooks/pre-commit && chmod 755 hooks/pre-commit && echo "[core] hooksPath = hooks" >>.git/config',
    attack: 'echo "touch $PROOF" >>hooks/pre-commit',
  },
  {
    name: "a submodule's .git file",
    before:
      'git init -q ../other && (cd ../other && echo b >b && git add b && git commit -qm b) && git -c protocol.file.allow=always submodule --quiet add ../other sub && git commit -qm sub',
    attack: `cp -r .git/modules/sub evil; ${config('evil/config')}; printf '\\tworktree = ../sub\\n' >>evil/config; echo "gitdir: ../evil" >sub/.git`,
  },
  {
    name: 'a repository in a folder, added to the index',
    attack: `git init -q sub && (cd sub && echo b >b && git add b && git commit -qm b); git add sub; ${config('sub/.git/config')}`,
  },
  {
    name: 'the commondir of a linked worktree elsewhere',
    before: 'git worktree add -q ../linked',
    attack: `cp -r .git evil; ${config('evil/config')}; echo "$PWD/evil" >.git/worktrees/linked/commondir`,
    trigger: 'cd ../linked; git status',
  },
];

eachUser((as) => {
  test.each([...attacks, ...detours])(
    "the host's git runs nothing of the agent's through $name, or the run says what appeared",
    async ({ before = 'true', attack, trigger = 'git status; git commit -q --allow-empty -m x' }) => {
      const [control, workspace] = [aWorkspace(as), aWorkspace(as)];
      for (const place of [control, workspace]) await aRepository(place, before);
      const variables = (place: Workspace) => ({
        ...identity,
        PROOF: join(place.base, 'proof'),
        CONFIG: `[core]\n\tfsmonitor = touch ${join(place.base, 'proof')}; false\n`,
      });
      await runOutside(['sh', '-c', attack], { ...control, env: variables(control) });
      await shell(trigger, control);
      expect(existsSync(join(control.base, 'proof'))).toBe(true);
      const argv = ['run', ...flags, '-e', 'PROOF', '--', 'sh', '-c', attack];
      const inside = await runSbox(argv, { ...workspace, env: variables(workspace) });
      await shell(trigger, workspace);
      const reported = inside.stderr.includes('was made or changed');
      expect(existsSync(join(workspace.base, 'proof')) && !reported).toBe(false);
    },
  );

  test("a protected file that the host replaces during a run stays protected, or the run's end tells", async () => {
    const workspace = aWorkspace(as);
    await aRepository(workspace);
    const script =
      'echo "# before" >>.git/config; echo ready; while [ ! -e replaced ]; do sleep 0.05; done; echo "# agent" >>.git/config; true';
    const run = startSbox(['run', '--', 'sh', '-c', script], workspace);
    await run.says('ready');
    await shell('git config user.name somebody', workspace);
    workspace.write('replaced', '');
    const ended = await run.ended;
    const changed = /# agent/.test(readFileSync(join(workspace.cwd, '.git/config'), 'utf8'));
    expect(readFileSync(join(workspace.cwd, '.git/config'), 'utf8')).not.toMatch('# before');
    expect(changed && !ended.stderr.includes('sbox: note: ".git/config"')).toBe(false);
  });

  test('a protected file with another name in the workspace can not be changed through it, or the run says so', async () => {
    const workspace = aWorkspace(as);
    const first = await runSbox(['run', '--', 'sh', '-c', 'echo safe >.envrc; ln .envrc kept'], workspace);
    expect(first.stderr).toMatch('".envrc" was made or changed');
    const second = await runSbox(['run', '--', 'sh', '-c', 'echo evil >.envrc; echo evil >kept'], workspace);
    const changed = readFileSync(join(workspace.cwd, '.envrc'), 'utf8') !== 'safe\n';
    expect(changed && !second.stderr.includes('sbox: note: ".envrc"')).toBe(false);
  });

  test('no other name for a protected file can be made inside', async () => {
    const workspace = aWorkspace(as);
    workspace.write('.envrc', 'safe');
    workspace.write('control', 'safe');
    linkSync(join(workspace.cwd, 'control'), join(workspace.cwd, 'control-link'));
    const script = 'ln .envrc other; ln -P /proc/self/cwd/.envrc other; mv .envrc other; ls; exit 0';
    const ended = await runSbox(['run', '-q', '--', 'sh', '-c', script], workspace);
    expect(ended.stdout).toBe('control\ncontrol-link\n');
    expect(readFileSync(join(workspace.cwd, '.envrc'), 'utf8')).toBe('safe');
  });

  test('a protected name that appeared as a dangling link is reported', async () => {
    const workspace = aWorkspace(as);
    const ended = await runSbox(['run', '--', 'ln', '-s', 'later', '.envrc'], workspace);
    expect(ended.stderr).toMatch('".envrc" was made or changed');
  });

  test('a protected path that is a link is named at the start', async () => {
    const workspace = aWorkspace(as);
    workspace.mkdir('real');
    workspace.link('real', '.vscode');
    const ended = await runSbox(['run', '--', 'true'], workspace);
    expect(ended.stderr).toMatch('".vscode" is a symbolic link: it can\'t be protected');
  });

  test.each([
    ['a writable mount beside the workspace', 'other', 'other'],
    ['a second name of the workspace', 'work', '/alias'],
  ])(
    'the configuration of a repository in %s can not be changed, or the run says so',
    async (_name, folder, target) => {
      const workspace = aWorkspace(as);
      const source = workspace.mkdir(join(workspace.base, folder));
      await aRepository({ ...workspace, cwd: source });
      const place = target.startsWith('/') ? target : source;
      const argv = ['run', '-m', `${source}:${place}:rw`, '--', 'sh', '-c', `echo "# agent" >>${place}/.git/config`];
      const ended = await runSbox(argv, workspace);
      const changed = readFileSync(join(source, '.git/config'), 'utf8').includes('# agent');
      expect(changed && !/note: .*\.git\/config/.test(ended.stderr)).toBe(false);
    },
  );

  test('a configuration of blank lines that the agent made does not stop the launcher', async () => {
    const workspace = aWorkspace(as);
    await runSbox(['run', '-q', '--', 'mkdir', '.git'], workspace);
    writeFileSync(join(workspace.cwd, '.git/config'), `${'\n'.repeat(400_000)}x`);
    const ended = await runSbox(['run', '-q', '--', 'echo', 'ran'], { ...workspace, timeoutMs: 20_000 });
    expect(ended.stdout).toBe('ran\n');
  });
});
