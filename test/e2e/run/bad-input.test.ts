import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Invocation } from '../../../src/domain/invocation.ts';
import type { DeclaredMount } from '../../../src/domain/profile.ts';
import type * as SboxLibrary from '../../../src/index.ts';
import type { RunRequest } from '../../../src/index.ts';
import { listing } from '../../support/listing.ts';
import { builtPackage } from '../../support/package-copy.ts';
import {
  aWorkspace,
  eachUser,
  runOutside,
  runSbox,
  type StartOptions,
  sboxCommand,
  users,
  type Workspace,
} from '../../support/sbox.ts';

type Library = typeof SboxLibrary;

interface Case {
  readonly what: string;
  readonly args: readonly string[] | ((workspace: Workspace) => readonly string[]);
  readonly prepare?: (workspace: Workspace) => Partial<StartOptions> | undefined;
  readonly code: number;
  /** in the order in which they are said */
  readonly says: readonly (string | ((workspace: Workspace) => string))[];
}

const cases: readonly Case[] = [
  {
    what: 'unknown keys in a document, all at once, each with its place',
    prepare: (w) => void w.write('policy.json', '{\n  "mount": [],\n  "env": { "pas": ["X"] }\n}\n'),
    args: ['--config', 'policy.json', '--', 'touch', 'ran'],
    code: 2,
    says: [
      '[SBOX_E_PROFILE]',
      'policy.json:2:3: unknown key "mount"',
      'did you mean "mounts"?',
      'policy.json:3:12: unknown key "pas"',
    ],
  },
  {
    what: 'a document that is no JSON',
    prepare: (w) => void w.write('policy.json', '{ "mounts": [ }\n'),
    args: ['--config', 'policy.json', '--', 'touch', 'ran'],
    code: 2,
    says: ['[SBOX_E_PROFILE]', 'policy.json:1:15'],
  },
  {
    what: 'a document that is not there',
    args: ['--config', 'missing.json', '--', 'touch', 'ran'],
    code: 2,
    says: ['sbox: error: cannot read "', 'missing.json": ENOENT  [SBOX_E_PROFILE]'],
  },
  {
    what: 'a document that is a directory',
    args: ['--config', '.', '--', 'touch', 'ran'],
    code: 2,
    says: ['": EISDIR  [SBOX_E_PROFILE]'],
  },
  {
    what: 'an unknown profile',
    args: ['--profile', 'pyhton', '--', 'touch', 'ran'],
    code: 2,
    says: ['sbox: error: unknown profile "pyhton"  [SBOX_E_PROFILE]', 'did you mean "python"?'],
  },
  {
    what: 'every bad mount at once',
    args: [
      '-m',
      '/no/such/source',
      '-m',
      '/usr:/proc/x',
      '-m',
      '/etc:/etc',
      '-m',
      '/',
      '-m',
      '/usr:/sbox/bin',
      '--',
      'touch',
      'ran',
    ],
    code: 2,
    says: [
      '[SBOX_E_MOUNT]',
      'mount source "/no/such/source" does not exist (--mount /no/such/source)',
      'cannot mount over "/proc/x"',
      'cannot mount over "/etc"',
      'cannot mount over "/"',
      'cannot mount over "/sbox/bin"',
    ],
  },
  {
    what: 'a mount that shows the whole HOME',
    args: (w) => ['-m', `${w.home}:/data`, '--', 'touch', 'ran'],
    code: 2,
    says: ['[SBOX_E_MOUNT]', 'it holds the whole HOME'],
  },
  {
    what: 'every bad option at once',
    args: [
      '-m',
      '/usr:data',
      '-m',
      '/usr:/a:rx',
      '--net',
      'some',
      '--env',
      '1A=x',
      '--memory',
      'much',
      '--require',
      'magic',
      '--',
      'touch',
      'ran',
    ],
    code: 2,
    says: [
      '[SBOX_E_USAGE]',
      'a mount cannot have the relative target "data"',
      '"rx"',
      '"1A"',
      '"magic"',
      '--memory',
      '--net',
    ],
  },
  {
    what: 'an unknown option',
    args: ['--nett', 'full', '--', 'touch', 'ran'],
    code: 2,
    says: ["unknown option '--nett'", 'Did you mean --net?'],
  },
  { what: 'an option without its value', args: ['--net'], code: 2, says: ['[SBOX_E_USAGE]'] },
  {
    what: 'HOME as the workspace',
    args: (w) => ['-w', w.home, '--', 'true'],
    code: 2,
    says: ['[SBOX_E_WORKSPACE]', 'it holds the whole HOME', '--workspace DIR'],
  },
  {
    what: 'what holds HOME as the workspace',
    args: (w) => ['-w', w.base, '--', 'true'],
    code: 2,
    says: ['[SBOX_E_WORKSPACE]', 'it holds the whole HOME'],
  },
  {
    what: 'the root as the workspace',
    args: ['-w', '/', '--', 'true'],
    code: 2,
    says: ['cannot use "/" as the workspace', 'everything would be writable', 'fix:'],
  },
  {
    what: 'a directory of the system as the workspace',
    args: ['-w', '/usr/lib', '--', 'true'],
    code: 2,
    says: ['[SBOX_E_WORKSPACE]', 'it belongs to the system'],
  },
  {
    what: 'a workspace that is not there',
    args: ['-w', 'missing', '--', 'true'],
    code: 2,
    says: ['ENOENT  [SBOX_E_WORKSPACE]', 'mkdir -p'],
  },
  {
    what: "a workspace that holds sbox's own state",
    args: (w) => ['-w', w.stateHome, '--', 'true'],
    code: 2,
    says: ["sbox's own state lies there", 'set XDG_STATE_HOME'],
  },
  {
    what: "sbox's own code in the workspace",
    args: () => ['-w', builtPackage(), '--', 'true'],
    code: 2,
    says: ["sbox's own code lies in it"],
  },
  {
    what: 'a name that is none',
    args: ['--name', '../../x', '--', 'touch', 'ran'],
    code: 2,
    says: ['"../../x" is not a name for a sandbox'],
  },
  { what: 'an empty command', args: ['--', ''], code: 2, says: ['the command is an empty word'] },
  {
    what: 'a state directory below a file',
    prepare: (w) => ({ env: { XDG_STATE_HOME: join(w.write(join(w.base, 'plain'), ''), 'state') } }),
    args: ['--', 'touch', 'ran'],
    code: 125,
    says: ['sbox: error: cannot make "', '[SBOX_E_STATE]'],
  },
  {
    what: 'a requirement that can not be met',
    args: ['--net', 'full', '--require', 'hide,network', '--', 'touch', 'ran'],
    code: 125,
    says: ['cannot enforce "network", which is required  [SBOX_E_REQUIRE]', 'mode full', 'fix:'],
  },
];

const unchanged = ({ cwd, home, configHome }: Workspace) => [cwd, home, configHome].map((folder) => listing(folder));

eachUser((as) => {
  describe('refuses with an error that tells the cause, and changes nothing:', () => {
    test.each(cases)('$what', async ({ args, prepare, code, says }) => {
      const workspace = aWorkspace(as);
      const changes = prepare?.(workspace) ?? {};
      const before = unchanged(workspace);
      const given = typeof args === 'function' ? args(workspace) : args;
      const ended = await runSbox(['run', ...given], { ...workspace, ...changes });
      expect({ code: ended.code, stdout: ended.stdout }, ended.stderr).toEqual({ code, stdout: '' });
      expect(ended.stderr).toMatch(/^sbox: error: .*\[SBOX_E_[A-Z_]+\]$/m);
      for (const text of says) expect(ended.stderr).toContain(typeof text === 'function' ? text(workspace) : text);
      expect(unchanged(workspace)).toEqual(before);
    });
  });

  test('every error names a fix or a hint', async () => {
    const without: string[] = [];
    for (const { what, args, prepare } of cases) {
      const workspace = aWorkspace(as);
      const changes = prepare?.(workspace) ?? {};
      const given = typeof args === 'function' ? args(workspace) : args;
      const { stderr } = await runSbox(['run', ...given], { ...workspace, ...changes });
      if (!/^ *(fix|hint): /m.test(stderr)) without.push(`${what}: ${stderr.trimEnd()}`);
    }
    expect(without).toEqual([]);
  });

  test('an unknown command is named', async () => {
    const ended = await runSbox(['frobnicate'], aWorkspace(as));
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('frobnicate');
  });

  test('a document that the user may not read', async () => {
    if (as === 'root') return expect(process.getuid?.()).toBe(0); // root reads everything
    const workspace = aWorkspace(as);
    chmodSync(workspace.write('policy.json', '{}'), 0);
    const ended = await runSbox(['run', '--config', 'policy.json', '--', 'touch', 'ran'], workspace);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('policy.json": EACCES  [SBOX_E_PROFILE]');
  });

  test('a state directory that can not be written', async () => {
    const workspace = aWorkspace(as);
    const readOnly = workspace.mkdir(join(workspace.base, 'read-only'));
    if (as === 'user') chmodSync(readOnly, 0o500);
    const stateHome = as === 'user' ? readOnly : '/sys/kernel';
    const ended = await runSbox(['run', '--', 'touch', 'ran'], { ...workspace, env: { XDG_STATE_HOME: stateHome } });
    expect(ended.code).toBe(125);
    expect(ended.stderr).toContain('[SBOX_E_STATE]');
    expect(listing(workspace.cwd)).toEqual([]);
  });

  test('a state directory below /proc', async () => {
    const options = { ...aWorkspace(as), env: { XDG_STATE_HOME: '/proc/x' }, timeoutMs: 10_000 };
    const ended = await runSbox(['run', '--', 'true'], options);
    expect(ended.code).toBe(125);
    expect(ended.stderr).toContain('[SBOX_E_STATE]');
  });

  test('arguments that are as long as the kernel takes pass, one and together', async () => {
    const workspace = aWorkspace(as);
    const count = [process.execPath, '-e', 'console.log(process.argv.slice(1).join("").length)'];
    const longest = await runSbox(['run', '-q', '--', ...count, 'x'.repeat(131_071)], workspace);
    expect(longest).toMatchObject({ code: 0, stdout: '131071\n' });
    const together = Array.from({ length: 18 }, () => 'x'.repeat(110_000));
    const many = await runSbox(['run', '-q', '--', ...count, ...together], workspace);
    expect(many).toMatchObject({ code: 0, stdout: '1980000\n' });
  });

  test('a working directory that was removed', async () => {
    const workspace = aWorkspace(as);
    const script = `mkdir gone; cd gone; rmdir ../gone; ${sboxCommand(['run', '--', 'true']).join(' ')}`;
    const ended = await runOutside(['sh', '-c', script], workspace);
    expect(ended.stderr).toMatch(/^sbox: error: .*\[SBOX_E_WORKSPACE\]$/m);
    expect(ended.code).toBe(2);
  });

  test.each(['/', '/proc', '/home', '/tmp'])('HOME=%s gives a HOME that can be written', async (home) => {
    const options = { ...aWorkspace(as), env: { HOME: home } };
    const ended = await runSbox(['run', '-q', '--', 'sh', '-c', 'touch "$HOME/made" && cd && pwd'], options);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
  });

  test.each([undefined, '', 'relative'])(
    'HOME %s gives a HOME that is absolute and can be written, or a clear error',
    async (home) => {
      const options = { ...aWorkspace(as), env: { HOME: home } };
      const ended = await runSbox(['run', '-q', '--', 'sh', '-c', 'touch "$HOME/made" && cd && pwd'], options);
      if (ended.code === 0) expect(ended.stdout).toMatch(/^\//);
      else expect(ended.stderr).toMatch(/^sbox: error: .*HOME.*\[SBOX_E_[A-Z]+\]$/m);
    },
  );

  test('HOME=/usr is refused, or runs', async () => {
    const ended = await runSbox(['run', '-q', '--', 'sh', '-c', 'echo ran'], {
      ...aWorkspace(as),
      env: { HOME: '/usr' },
    });
    if (ended.code !== 0) expect(ended.stderr).toContain('HOME');
    else expect(ended.stdout).toBe('ran\n');
  });

  test('odd names of workspaces: blanks, quotes, newlines, colons, unicode, the longest', async () => {
    for (const name of [
      'a b',
      ' x ',
      "it's",
      '"q"',
      'new\nline',
      'co:lon',
      '\u00fc\u{1f980}',
      '$HOME',
      '-dash',
      'x'.repeat(255),
    ]) {
      const workspace = aWorkspace(as, name);
      const ended = await runSbox(['run', '-q', '--', 'sh', '-c', 'pwd; echo made > file'], workspace);
      expect({ name, ...ended }).toMatchObject({ name, code: 0, stdout: `${workspace.cwd}\n`, stderr: '' });
      expect(listing(workspace.cwd).length).toBe(1);
    }
  });

  test('a workspace that the user may only read is said to be so by the kernel, not by a crash', async () => {
    const workspace = aWorkspace(as);
    chmodSync(workspace.cwd, 0o555);
    const ended = await runSbox(['run', '-q', '--', 'sh', '-c', 'ls; touch x && echo made'], workspace);
    expect(ended.stdout).toBe(as === 'user' ? '' : ended.stdout);
    expect(ended.stderr).not.toContain('sbox: error');
  });
});

describe.runIf(users.includes('root'))('where user namespaces are off', () => {
  /** A user namespace whose own limit of further ones is 0 does to sbox what the host's setting would. */
  const runWithout = (args: readonly string[], workspace: Workspace) => {
    const command = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', ...sboxCommand(args)];
    const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
    return runOutside(['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh', ...command], workspace);
  };

  test('the namespaces rung fails with the name of the setting, and nothing has run', async () => {
    const workspace = aWorkspace('root');
    const ended = await runWithout(['run', '--rung', 'namespaces', '--', 'touch', 'ran'], workspace);
    expect(ended.code, ended.stderr).toBe(125);
    expect(ended.stderr).toMatch(/^sbox: error: cannot .*ENOSPC/);
    expect(ended.stderr).toContain('user.max_user_namespaces is 0');
    expect(ended.stderr).toContain('  fix:   ');
    expect(listing(workspace.cwd)).toEqual([]);
  });

  test('a run that requires undeclared paths to be hidden fails', async () => {
    const workspace = aWorkspace('root');
    const ended = await runWithout(['run', '--require', 'hide', '--', 'touch', 'ran'], workspace);
    expect(ended.code, ended.stderr).toBe(125);
    expect(ended.stderr).toContain('  fix:   ');
    expect(listing(workspace.cwd)).toEqual([]);
  });

  test('a run that requires nothing says what is not enforced, or fails', async () => {
    const ended = await runWithout(['run', '--', 'true'], aWorkspace('root'));
    expect(ended.stderr).toMatch(ended.code === 0 ? /^sbox: not enforced: hide partial/ : /^sbox: error: /);
  });
});

describe('the library', () => {
  const plan = async (invocation: Partial<Invocation>, changes: Partial<RunRequest> = {}) => {
    const { planRequest } = (await import(pathToFileURL(join(builtPackage(), 'dist/index.js')).href)) as Library;
    const { cwd, home, stateHome, configHome } = aWorkspace();
    return planRequest({
      invocation: {
        command: ['true'],
        mounts: [],
        pass: [],
        set: {},
        require: [],
        ephemeral: false,
        limits: {},
        ...invocation,
      },
      profiles: [],
      ignoreWorkspaceConfig: false,
      workspace: cwd,
      cwd,
      env: { PATH: '/usr/bin:/bin' },
      home,
      stateDir: join(stateHome, 'sbox'),
      configDir: join(configHome, 'sbox'),
      terminal: false,
      ...changes,
    });
  };
  const mount = (changes: Partial<DeclaredMount>): DeclaredMount => ({
    source: '/usr',
    mode: 'ro',
    base: '/',
    origin: 'a test',
    ...changes,
  });

  test.each<[string, Partial<Invocation>]>([
    ['the command', { command: ['a\0b'] }],
    ['an argument', { command: ['true', 'a\0b'] }],
    ['a value', { set: { NAME: 'a\0b' } }],
    ['the name of a variable', { set: { 'A\0B': 'x' } }],
    ['the name of a sandbox', { name: 'a\0b' }],
    ['the source of a mount', { mounts: [mount({ source: '/us\0r' })] }],
    ['the target of a mount', { mounts: [mount({ target: '/da\0ta' })] }],
  ])('refuses a NUL character in %s', async (_, invocation) => {
    await expect(plan(invocation)).rejects.toMatchObject({ name: 'SboxError', exitCode: 2 });
  });

  test.each<[string, Partial<Invocation>]>([
    ['a name that holds =', { set: { 'A=B': 'x' } }],
    ['an empty name', { set: { '': 'x' } }],
  ])('refuses %s of a variable', async (_, invocation) => {
    await expect(plan(invocation)).rejects.toMatchObject({ name: 'SboxError', exitCode: 2 });
  });

  test('refuses an argument of 200 KB with 126, before anything runs', async () => {
    await expect(plan({ command: ['true', 'x'.repeat(200_000)] })).rejects.toMatchObject({
      code: 'SBOX_E_NOT_EXECUTABLE',
      exitCode: 126,
    });
  });

  test('plans what is asked for in plain JSON', async () => {
    const { plan: planned } = await plan({ command: ['true', 'x'] });
    expect(JSON.parse(JSON.stringify(planned))).toEqual(planned);
    expect(planned.command.argv).toEqual(['true', 'x']);
  });
});
