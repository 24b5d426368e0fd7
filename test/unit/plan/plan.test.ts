import { describe, expect, test } from 'vitest';
import { SboxError } from '../../../src/domain/errors.ts';
import { bareNetwork } from '../../../src/domain/network.ts';
import type { Plan, PlannedMount } from '../../../src/domain/plan.ts';
import { planRun } from '../../../src/plan/plan.ts';
import {
  aMount,
  anInvocation,
  aProfile,
  capabilities,
  facts,
  plainPaths,
  protecting,
} from '../../support/plan-builders.ts';

const sandbox = {
  name: 'work-c4f7218b65562517',
  folder: '/home/ann/.local/state/sbox/sandboxes/work-c4f7218b65562517',
  ephemeral: false,
  named: false,
};

const base: readonly PlannedMount[] = [
  { kind: 'link', target: '/bin', text: 'usr/bin', why: 'system' },
  { kind: 'devices', target: '/dev', why: 'minimal' },
  { kind: 'dir', target: '/etc', why: 'curated' },
  {
    kind: 'file',
    target: '/etc/group',
    content: 'root:x:0:\nnogroup:x:65534:\nann:x:1000:\n',
    why: 'synthetic',
  },
  { kind: 'file', target: '/etc/hostname', content: 'sbox\n', why: 'synthetic' },
  {
    kind: 'file',
    target: '/etc/hosts',
    content: '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 sbox\n',
    why: 'synthetic',
  },
  { kind: 'link', target: '/etc/mtab', text: '../proc/self/mounts', why: 'synthetic' },
  {
    kind: 'file',
    target: '/etc/passwd',
    content:
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\nann:x:1000:1000::/home/ann:/bin/bash\n',
    why: 'synthetic',
  },
  {
    kind: 'file',
    target: '/etc/resolv.conf',
    content: '# no name server is reachable in this sandbox\n',
    why: 'synthetic',
  },
  {
    kind: 'bind',
    source: '/etc/services',
    target: '/etc/services',
    type: 'file',
    access: 'ro',
    optional: true,
    why: 'curated',
  },
  {
    kind: 'bind',
    source: `${sandbox.folder}/home`,
    target: '/home/ann',
    type: 'dir',
    access: 'rw',
    why: 'HOME of this sandbox',
  },
  {
    kind: 'bind',
    source: '/home/ann/work',
    target: '/home/ann/work',
    type: 'dir',
    access: 'rw',
    why: 'workspace',
  },
  { kind: 'proc', target: '/proc', why: 'own processes' },
  { kind: 'memory', target: '/run', mode: 0o755, why: 'private' },
  { kind: 'memory', target: '/tmp', mode: 0o1777, why: 'private' },
  { kind: 'bind', source: '/usr', target: '/usr', type: 'dir', access: 'ro', why: 'system' },
  { kind: 'memory', target: '/var/tmp', mode: 0o1777, why: 'private' },
];

const fixedEnv = {
  HOME: '/home/ann',
  LOGNAME: 'ann',
  PATH: '/home/ann/.local/bin:/usr/bin:/usr/local/bin:/bin',
  PIP_BREAK_SYSTEM_PACKAGES: '1',
  PWD: '/home/ann/work',
  PYTHONUSERBASE: '/home/ann/.local',
  SBOX: sandbox.name,
  SHELL: '/bin/bash',
  TMPDIR: '/tmp',
  USER: 'ann',
  npm_config_prefix: '/home/ann/.local',
};

const enforced = (name: string, why: string) => ({ name, status: 'enforced', why });
const smallest = {
  version: 1,
  sandbox,
  rung: 'namespaces',
  mechanism: { kind: 'namespaces', root: 'pivot', proc: 'fresh' },
  profiles: ['default'],
  workspace: '/home/ann/work',
  cwd: '/home/ann/work',
  home: '/home/ann',
  command: {
    argv: ['true'],
    candidates: ['/home/ann/.local/bin/true', '/usr/bin/true', '/usr/local/bin/true', '/bin/true'],
  },
  mounts: base,
  env: fixedEnv,
  network: bareNetwork('none'),
  broker: false,
  credentials: [],
  hidePaths: false,
  hostname: 'sbox',
  user: { uid: 1000, gid: 1000, kernelRoot: false },
  userNamespaces: false,
  limits: {},
  properties: [
    enforced('hide', 'the root holds declared mounts only'),
    enforced('read', 'nothing else is mounted'),
    enforced('write', 'read-only mounts, but for named pipes in them; the rest is private'),
    enforced('home', "the sandbox's own directory"),
    enforced('env', 'an allowlist'),
    enforced('path', 'visible directories only'),
    enforced('tty', 'TIOCSTI and TIOCLINUX are refused'),
    enforced('network', 'a network namespace of its own with loopback only'),
    { name: 'sockets', status: 'partial', why: 'a unix socket that lies in a declared mount can be connected to' },
    enforced('process', 'a PID namespace of its own, ended with the run'),
    enforced('limits', 'rlimits per process'),
  ],
  require: [],
  watch: [],
  deepWatch: false,
  index: { path: '/home/ann/work/.git/index' },
  notes: [],
};

/** The smallest plan with these parts instead. */
const withParts = (parts: Partial<Plan>) => ({ ...smallest, ...parts });
const byTarget = (mounts: readonly PlannedMount[], extra: readonly PlannedMount[]): PlannedMount[] => {
  const all = new Map([...mounts, ...extra].map((mount) => [mount.target, mount]));
  const key = (mount: PlannedMount) => mount.target.replaceAll('/', '\0');
  return [...all.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
};

describe('whole plans', () => {
  test('of a command in an empty profile', () => {
    expect(planRun(aProfile(), anInvocation(), facts())).toEqual(smallest);
  });

  test('where calls can be handed over, connections are decided on, and all sockets kept in', () => {
    const listening = facts({ capabilities: capabilities({ listener: true }) });
    const sockets = enforced('sockets', 'unix sockets that were not made inside are refused');
    const properties = smallest.properties.map((property) => (property.name === 'sockets' ? sockets : property));
    expect(planRun(aProfile(), anInvocation(), listening)).toEqual({ ...smallest, broker: true, properties });
  });

  test('a shared network is decided on by nobody', () => {
    const listening = facts({ capabilities: capabilities({ listener: true }) });
    expect(planRun(aProfile(), anInvocation({ network: 'full' }), listening)).toMatchObject({ broker: false });
  });

  test('of an ephemeral run: HOME is memory and the folder one of its own', () => {
    const folder = '/home/ann/.local/state/sbox/runs/1-a';
    expect(planRun(aProfile(), anInvocation({ ephemeral: true }), facts())).toEqual(
      withParts({
        sandbox: { ...sandbox, folder, ephemeral: true },
        mounts: byTarget(base, [
          { kind: 'memory', target: '/home/ann', mode: 0o700, why: 'HOME, forgotten at the end' },
        ]),
      }),
    );
  });

  test('of a named sandbox', () => {
    const plan = planRun(aProfile(), anInvocation({ name: 'mine' }), facts());
    const folder = '/home/ann/.local/state/sbox/sandboxes/mine';
    expect(plan).toEqual(
      withParts({
        sandbox: { name: 'mine', folder, ephemeral: false, named: true },
        env: { ...fixedEnv, SBOX: 'mine' },
        mounts: byTarget(base, [
          {
            kind: 'bind',
            source: `${folder}/home`,
            target: '/home/ann',
            type: 'dir',
            access: 'rw',
            why: 'HOME of this sandbox',
          },
        ]),
      }),
    );
  });

  test('with the host network: its names, and the property is open', () => {
    const plan = planRun(aProfile(), anInvocation({ network: 'full' }), facts());
    expect(plan).toEqual(
      withParts({
        network: bareNetwork('full'),
        mounts: byTarget(base, [
          {
            kind: 'file',
            target: '/etc/hosts',
            content: '127.0.0.1 localhost box\n127.0.1.1 sbox\n',
            why: 'synthetic',
          },
          { kind: 'file', target: '/etc/resolv.conf', content: 'nameserver 192.0.2.53\n', why: 'synthetic' },
        ]),
        properties: smallest.properties.map((property) =>
          property.name === 'network'
            ? { name: 'network', status: 'open', why: 'mode full: everything that the host reaches' }
            : property,
        ) as Plan['properties'],
      }),
    );
  });

  test('with mounts, a toolchain, protected paths, a terminal, limits and variables at once', () => {
    const terminal = { fd: 0, path: '/dev/pts/3', processGroup: 41, foreground: true, exclusive: true };
    const plan = planRun(
      aProfile({
        sources: ['default', 'node'],
        mounts: [aMount('~/.gitconfig', 'ro', undefined, 'sbox.json:3:5')],
        env: { pass: ['LC_*'], passIfVisible: [], set: { NODE_ENV: 'test' } },
        limits: { processes: 10, openFiles: 20 },
        require: ['hide'],
        userNamespaces: true,
      }),
      anInvocation({
        command: ['claude', '-p', 'hi'],
        mounts: [aMount('fixtures', 'copy')],
        pass: ['EDITOR'],
        set: { ANSWER: '42' },
        require: ['write', 'hide'],
        limits: { processes: 99 },
      }),
      facts({
        env: { LC_ALL: 'C', EDITOR: 'vi', SECRET: 'x' },
        tools: {
          toolchains: [{ root: '/home/ann/.nvm/versions/node/v22', kind: 'dir', why: 'claude' }],
          links: [{ name: 'claude', target: '/home/ann/.nvm/versions/node/v22/bin/claude' }],
          path: ['links', '/home/ann/.nvm/versions/node/v22/bin', '/usr/bin'],
          command: '/home/ann/.nvm/versions/node/v22/bin/claude',
        },
        paths: plainPaths({ '/home/ann/.gitconfig': 'file', '/home/ann/work/fixtures': 'dir' }),
        protectedPaths: protecting([{ path: '.git/config', kind: 'file' }], ['.vscode']),
        terminal,
        gitIndex: '1:2:3:4',
      }),
    );
    const path = [
      '/home/ann/.local/bin',
      '/sbox/bin',
      '/home/ann/.nvm/versions/node/v22/bin',
      '/usr/bin',
      '/usr/local/bin',
      '/bin',
    ];
    expect(plan).toEqual(
      withParts({
        profiles: ['default', 'node'],
        command: { argv: ['claude', '-p', 'hi'], candidates: path.map((folder) => `${folder}/claude`) },
        mounts: byTarget(base, [
          {
            kind: 'bind',
            source: '/home/ann/.gitconfig',
            target: '/home/ann/.gitconfig',
            type: 'file',
            access: 'ro',
            why: 'sbox.json:3:5',
          },
          {
            kind: 'bind',
            source: '/home/ann/.nvm/versions/node/v22',
            target: '/home/ann/.nvm/versions/node/v22',
            type: 'dir',
            access: 'ro',
            why: 'toolchain of claude',
          },
          {
            kind: 'bind',
            source: '/home/ann/work/.git',
            target: '/home/ann/work/.git',
            type: 'dir',
            access: 'rw',
            why: 'holds a protected path',
          },
          {
            kind: 'bind',
            source: '/home/ann/work/.git/config',
            target: '/home/ann/work/.git/config',
            type: 'file',
            access: 'ro',
            why: 'protected',
          },
          {
            kind: 'copy',
            source: '/home/ann/work/fixtures',
            store: `${sandbox.folder}/copies/fixtures-14bf01bc6ddae9de`,
            target: '/home/ann/work/fixtures',
            type: 'dir',
            why: '--mount',
          },
          {
            kind: 'link',
            target: '/sbox/bin/claude',
            text: '/home/ann/.nvm/versions/node/v22/bin/claude',
            why: 'tool',
          },
        ]),
        env: { ...fixedEnv, ANSWER: '42', EDITOR: 'vi', LC_ALL: 'C', NODE_ENV: 'test', PATH: path.join(':') },
        userNamespaces: true,
        limits: { processes: 99, openFiles: 20 },
        terminal,
        require: ['hide', 'write'],
        index: { path: '/home/ann/work/.git/index', identity: '1:2:3:4' },
        watch: [
          { path: '/home/ann/work/.git/config', identity: 'as it was: .git/config' },
          { path: '/home/ann/work/.vscode' },
        ],
      }),
    );
  });
});

test('a plan is plain JSON: what comes back from a text is the same', () => {
  const plan = planRun(
    aProfile({ limits: { memoryBytes: 2 ** 40 } }),
    anInvocation({ command: ['x', '\u2028 "é" \ud83d\ude00'] }),
    facts({ terminal: { fd: 1, path: '/dev/pts/0', processGroup: 2, foreground: false, exclusive: false } }),
  );
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
});

test('the same questions give the same plan, and the questions stay as they were', () => {
  const deepFreeze = <T>(value: T): T => {
    if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
    return value;
  };
  const given = [
    deepFreeze(aProfile({ mounts: [aMount('b'), aMount('a')] })),
    deepFreeze(anInvocation({ mounts: [aMount('c', 'rw')] })),
    deepFreeze(
      facts({
        paths: plainPaths({ '/home/ann/work/a': 'dir', '/home/ann/work/b': 'dir', '/home/ann/work/c': 'dir' }),
      }),
    ),
  ] as const;
  expect(planRun(...given)).toEqual(planRun(...given));
});

describe('require', () => {
  const requiring = (...require: Plan['properties'][number]['name'][]) => anInvocation({ require });
  const errorOf = (act: () => unknown): SboxError => {
    try {
      act();
    } catch (error) {
      if (error instanceof SboxError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  };

  test('what is enforced may be required', () => {
    expect(planRun(aProfile(), requiring('hide', 'network'), facts()).require).toEqual(['hide', 'network']);
  });

  test('a partial property refuses the run, with its hole', () => {
    expect(errorOf(() => planRun(aProfile(), requiring('sockets'), facts()))).toMatchObject({
      code: 'SBOX_E_REQUIRE',
      message: 'cannot enforce "sockets", which is required',
      reason: 'sockets is partial: a unix socket that lies in a declared mount can be connected to',
      exitCode: 125,
    });
  });

  test('every weak one is named at once, whoever required it', () => {
    const profile = aProfile({ network: bareNetwork('full'), require: ['network'] });
    expect(
      errorOf(() => planRun(profile, requiring('sockets'), facts({ capabilities: capabilities({ landlockAbi: 5 }) }))),
    ).toMatchObject({
      message: 'cannot enforce "network", "sockets", which are required',
      reason:
        "network is open: mode full: everything that the host reaches; sockets is open: mode full shares the host's abstract sockets, and Landlock ABI 6 is missing",
    });
  });
});

test('a protected path that is a link is not mounted, and the operator is told', () => {
  const plan = planRun(
    aProfile(),
    anInvocation(),
    facts({ protectedPaths: protecting([{ path: '.vscode', kind: 'link' }]) }),
  );
  expect(plan.mounts).toEqual(base);
  expect(plan.notes).toEqual(['".vscode" is a symbolic link: it can\'t be protected']);
});

test('uid 0 in a workspace of somebody else is told that it has no power there', () => {
  const root = { uid: 0, gid: 0, kernelRoot: true, name: 'root', group: 'root', shell: '/bin/sh' };
  const notesOf = (user: typeof root, workspaceOwner: number) =>
    planRun(aProfile(), anInvocation(), facts({ user, workspaceOwner })).notes;
  expect(notesOf(root, 1000)).toEqual([
    '"/home/ann/work" belongs to uid 1000: without capabilities, uid 0 can do there only what its modes allow to others',
  ]);
  expect(notesOf(root, 0)).toEqual([]);
  expect(notesOf(facts().user, 0)).toEqual([]);
});

test('a protected file with more names than one can be changed through them, and the operator is told', () => {
  const [tree] = protecting([{ path: 'sbox.json', kind: 'file', names: 3 }]);
  const notesOf = (root: string) =>
    planRun(aProfile(), anInvocation(), facts({ protectedPaths: tree ? [{ ...tree, root }] : [] })).notes;
  expect(notesOf('/home/ann/work')).toEqual(['"sbox.json" has 2 more hard links: it can be changed through them']);
  expect(notesOf('/srv/other')).toEqual([
    '"/srv/other/sbox.json" has 2 more hard links: it can be changed through them',
  ]);
});

test('what was declared writable by its own name is not watched', () => {
  const watchOf = (mode: 'ro' | 'rw') =>
    planRun(
      aProfile(),
      anInvocation({ mounts: [aMount('.git/config', mode)] }),
      facts({
        protectedPaths: protecting([{ path: '.git/config', kind: 'file' }], ['.git/hooks']),
        paths: plainPaths({ '/home/ann/work/.git/config': 'file' }),
      }),
    ).watch.map(({ path }) => path);
  expect(watchOf('rw')).toEqual(['/home/ann/work/.git/hooks']);
  expect(watchOf('ro')).toEqual(['/home/ann/work/.git/config', '/home/ann/work/.git/hooks']);
});

describe('on a rung without a mount namespace', () => {
  const planOn = (rung: 'landlock' | 'portable', changes: Parameters<typeof anInvocation>[0] = {}) =>
    planRun(
      aProfile(),
      anInvocation({ rung, ...changes }),
      facts({ tools: { toolchains: [], links: [{ name: 'x', target: '/opt/x' }], path: ['links', '/usr/bin'] } }),
    );
  const run = '/home/ann/.local/state/sbox/runs/1-a';

  test.each(['landlock', 'portable'] as const)(
    'on %s version managers find what they keep, for HOME is another',
    (rung) => {
      const toolchains = [
        { root: '/home/ann/.rustup', kind: 'dir' as const, why: 'cargo' },
        { root: '/home/ann/.local/share/mise', kind: 'dir' as const, why: 'mise' },
      ];
      const { env } = planRun(
        aProfile(),
        anInvocation({ rung }),
        facts({ tools: { toolchains, links: [], path: [] } }),
      );
      expect(env).toMatchObject({ RUSTUP_HOME: '/home/ann/.rustup', MISE_DATA_DIR: '/home/ann/.local/share/mise' });
      expect(env['PYENV_ROOT']).toBeUndefined();
      expect(
        planRun(aProfile(), anInvocation(), facts({ tools: { toolchains, links: [], path: [] } })).env['RUSTUP_HOME'],
      ).toBeUndefined();
    },
  );

  test.each(['landlock', 'portable'] as const)(
    '%s: HOME, TMPDIR and PATH lie where the folders of the sandbox are',
    (rung) => {
      const { home, runFolder, env, mechanism, command } = planOn(rung);
      expect({ home, runFolder, kind: mechanism.kind }).toEqual({
        home: `${sandbox.folder}/home`,
        runFolder: run,
        kind: rung,
      });
      const path = [`${sandbox.folder}/home/.local/bin`, `${run}/bin`, '/usr/bin', '/usr/local/bin', '/bin'];
      expect({ HOME: env['HOME'], TMPDIR: env['TMPDIR'], PATH: env['PATH'], prefix: env['npm_config_prefix'] }).toEqual(
        {
          HOME: `${sandbox.folder}/home`,
          TMPDIR: `${run}/tmp`,
          PATH: path.join(':'),
          prefix: `${sandbox.folder}/home/.local`,
        },
      );
      expect(command.candidates).toEqual(path.map((folder) => `${folder}/true`));
    },
  );

  test.each(['landlock', 'portable'] as const)(
    '%s: the home of an ephemeral run is in the folder of the run',
    (rung) => {
      expect(planOn(rung, { ephemeral: true })).toMatchObject({ home: `${run}/home`, runFolder: run });
    },
  );

  test('proxy variables lead nowhere where nothing else keeps the network away', () => {
    const proxies = (rung: 'landlock' | 'portable', network: 'none' | 'limited' | 'full') =>
      Object.entries(planOn(rung, { network }).env).filter(([name]) => /proxy/i.test(name));
    const names = ['http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
    const own = ['NO_PROXY', 'no_proxy'].map((name) => [name, 'localhost,127.0.0.1,::1']);
    const expected = [...names.map((name) => [name, 'http://127.0.0.1:9']), ...own, ['NODE_USE_ENV_PROXY', '1']].sort();
    expect(proxies('portable', 'none').sort()).toEqual(expected);
    expect(proxies('portable', 'limited').sort()).toEqual(expected);
    expect(proxies('portable', 'full')).toEqual([]);
    expect(proxies('landlock', 'none')).toEqual([]);
  });

  test('the operator may set one of them', () => {
    expect(planOn('portable', { set: { HTTP_PROXY: 'http://proxy:1' } }).env['HTTP_PROXY']).toBe('http://proxy:1');
  });
});
