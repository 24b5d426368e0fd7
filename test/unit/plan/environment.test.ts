import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/domain/facts.ts';
import type { NetworkMode } from '../../../src/domain/network.ts';
import type { Plan, PlannedMount } from '../../../src/domain/plan.ts';
import type { EnvironmentPolicy } from '../../../src/domain/profile.ts';
import { planRun } from '../../../src/plan/plan.ts';
import { aMount, anInvocation, aProfile, capabilities, facts, plainPaths } from '../../support/plan-builders.ts';

type Outside = Readonly<Record<string, string>>;

const planWith = (
  env: Outside,
  policy: Partial<EnvironmentPolicy> = {},
  pass: readonly string[] = [],
  changes: Partial<Facts> = {},
): Plan =>
  planRun(
    aProfile({ env: { pass: [], passIfVisible: [], set: {}, ...policy } }),
    anInvocation({ pass }),
    facts({ env, ...changes }),
  );

const refusal = { message: 'no namespaces', cause: '', fix: '' };

const fixed = Object.keys(planWith({}).env);
/** What is inside beside what every sandbox has. */
const passed = (plan: Plan): Outside =>
  Object.fromEntries(Object.entries(plan.env).filter(([name]) => !fixed.includes(name)));

const secrets = {
  AWS_SECRET_ACCESS_KEY: 's',
  GITHUB_TOKEN: 's',
  SSH_AUTH_SOCK: '/run/user/1000/agent',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus',
  XDG_RUNTIME_DIR: '/run/user/1000',
};

test('of the environment outside nothing is inside that was not declared', () => {
  expect(passed(planWith(secrets))).toEqual({});
});

test('names are passed as they are, a star matches any rest', () => {
  const env = { ...secrets, TERM: 'xterm', LC_ALL: 'C', LC_TIME: 'de', LCX: 'no', TERMINFO: 'no' };
  expect(passed(planWith(env, { pass: ['TERM', 'LC_*'] }))).toEqual({ TERM: 'xterm', LC_ALL: 'C', LC_TIME: 'de' });
});

test('an empty value is a value', () => {
  expect(passed(planWith({ NO_COLOR: '' }, { pass: ['NO_COLOR'] }))).toEqual({ NO_COLOR: '' });
});

describe('a pattern never takes over what changes how a program runs', () => {
  test.each([
    ...['LD_PRELOAD', 'LD_LIBRARY_PATH', 'LD_AUDIT', 'DYLD_INSERT_LIBRARIES', 'GLIBC_TUNABLES', 'MALLOC_TRACE'],
    ...['NODE_OPTIONS', 'NODE_PATH', 'BASH_ENV', 'ENV', 'IFS', 'PS4', 'PROMPT_COMMAND', 'SHELLOPTS', 'BASHOPTS'],
    ...['PYTHONPATH', 'PYTHONSTARTUP', 'PYTHONHOME', 'PERL5OPT', 'PERL5LIB', 'PERLLIB', 'RUBYOPT', 'RUBYLIB'],
    ...['GIT_SSH_COMMAND', 'GIT_DIR', 'GIT_CONFIG_COUNT', 'JAVA_TOOL_OPTIONS', '_JAVA_OPTIONS', 'JDK_JAVA_OPTIONS'],
    ...['GCONV_PATH', 'HOSTALIASES', 'LOCALDOMAIN', 'RES_OPTIONS', 'TMPDIR', 'HOME', 'PATH', 'XDG_RUNTIME_DIR'],
  ])('%s', (name) => {
    const pattern = `${name.slice(0, 1)}*`;
    const plain = passed(planWith({ [name]: 'evil' }, { pass: [pattern] }));
    expect(plain).toEqual({});
    expect(planWith({ [name]: 'evil' }, { pass: [pattern] }).env[name]).not.toBe('evil');
  });

  test.each(['LD_PRELOAD', 'NODE_OPTIONS', 'GIT_SSH_COMMAND', 'PATH', 'HOME'])(
    'but the operator may name %s in full',
    (name) => {
      expect(planWith({ [name]: '/x' }, { pass: [name] }).env[name]).toBe('/x');
      expect(planWith({ [name]: '/x' }, {}, [name]).env[name]).toBe('/x');
    },
  );

  test.each(['ENVIRONMENT', 'PS4X', 'PATHS', 'HOMEBREW_PREFIX', 'IFSX'])('and %s is another name', (name) => {
    expect(passed(planWith({ [name]: 'x' }, { pass: [`${name.slice(0, 2)}*`] }))).toEqual({ [name]: 'x' });
  });

  test.each([
    ['ZDOTDIR', 'zsh reads its start files from there'],
    ['BASH_FUNC_ls%%', 'bash takes functions from these'],
    ['LESSOPEN', 'less runs it'],
    ['LUA_INIT', 'lua runs it'],
    ['DOTNET_STARTUP_HOOKS', '.NET loads it into every program'],
    ['OPENSSL_CONF', 'may load an engine'],
    ['CLASSPATH', 'Java loads classes from there'],
  ])('nor %s: %s', (name) => {
    expect(passed(planWith({ [name]: 'evil' }, { pass: [`${name.slice(0, 1)}*`] }))).toEqual({});
  });
});

test('what is set wins over what is passed, and the invocation over profiles', () => {
  const plan = planRun(
    aProfile({
      env: { pass: ['A', 'B', 'C'], passIfVisible: [], set: { B: 'profile', C: 'profile', TMPDIR: '/work' } },
    }),
    anInvocation({ set: { C: 'invocation', D: '' } }),
    facts({ env: { A: 'outside', B: 'outside', C: 'outside' } }),
  );
  expect(passed(plan)).toEqual({ A: 'outside', B: 'profile', C: 'invocation', D: '' });
  expect(plan.env['TMPDIR']).toBe('/work');
});

test('names are sorted, so that two plans can be compared', () => {
  const names = Object.keys(planWith({ b: '1', a: '1', Z: '1' }, { pass: ['b', 'Z', 'a'] }).env);
  expect(names).toEqual([...names].sort());
});

test('a name that was asked for but is not set outside is a note; one of a profile is not', () => {
  expect(planWith({}, { pass: ['TERM', 'LC_*'] }, ['EDITOR', 'X_*']).notes).toEqual([
    'EDITOR is not set outside, so it is not set inside',
  ]);
});

describe('variables that name a path', () => {
  const policy = { passIfVisible: ['NODE_EXTRA_CA_CERTS', 'JAVA_HOME'] };
  const fact = (path: string, real = path): Facts['paths'] => ({ [path]: { kind: 'file', real, links: [] } });

  test.each<[string, string, Facts['paths'], boolean]>([
    ['in a system directory', '/usr/share/ca.pem', fact('/usr/share/ca.pem'), true],
    ['in the workspace', '/home/ann/work/ca.pem', fact('/home/ann/work/ca.pem'), true],
    ['spelled with dots', '/usr/lib/../share/ca.pem', fact('/usr/share/ca.pem'), true],
    ['in HOME outside', '/home/ann/ca.pem', fact('/home/ann/ca.pem'), false],
    ['in /tmp outside', '/tmp/ca.pem', fact('/tmp/ca.pem'), false],
    ['that is missing', '/usr/share/none.pem', plainPaths({ '/usr/share/none.pem': 'missing' }), false],
    ['that is relative', 'ca.pem', {}, false],
    ['that leads out through a link', '/usr/share/ca.pem', fact('/usr/share/ca.pem', '/root/ca.pem'), false],
    ['that leads in through a link', '/root/ca.pem', fact('/root/ca.pem', '/usr/share/ca.pem'), false],
    ['that begins like a visible one', '/usrx/ca.pem', fact('/usrx/ca.pem'), false],
  ])('%s', (_, value, paths, visible) => {
    const plan = planWith({ NODE_EXTRA_CA_CERTS: value }, policy, [], { paths });
    expect(plan.env['NODE_EXTRA_CA_CERTS']).toBe(visible ? value : undefined);
    expect(plan.notes).toEqual(
      visible
        ? []
        : [`NODE_EXTRA_CA_CERTS is not passed: "${value}" is not visible inside; --mount "${value}" shows it`],
    );
  });

  test('a declared mount makes one visible, under another target it does not', () => {
    const paths = { ...fact('/root/ca.pem'), ...plainPaths({ '/ca.pem': 'missing' }) };
    const asks = (target?: string) =>
      planRun(
        aProfile({ env: { pass: [], set: {}, ...policy } }),
        anInvocation({ mounts: [aMount('/root/ca.pem', 'ro', target)] }),
        facts({ env: { NODE_EXTRA_CA_CERTS: '/root/ca.pem' }, paths }),
      ).env['NODE_EXTRA_CA_CERTS'];
    expect(asks()).toBe('/root/ca.pem');
    expect(asks('/ca.pem')).toBeUndefined();
  });

  test('only for certificates is a note worth it', () => {
    expect(planWith({ JAVA_HOME: '/opt/jdk' }, policy).notes).toEqual([]);
  });

  test('what another mount covers is not visible', () => {
    const paths = { ...fact('/usr/share/ca/a.pem'), ...plainPaths({ '/other': 'dir', '/usr/share/ca': 'dir' }) };
    const plan = planRun(
      aProfile({ env: { pass: [], set: {}, ...policy } }),
      anInvocation({ mounts: [aMount('/other', 'ro', '/usr/share/ca')] }),
      facts({ env: { NODE_EXTRA_CA_CERTS: '/usr/share/ca/a.pem' }, paths }),
    );
    expect(plan.env['NODE_EXTRA_CA_CERTS']).toBeUndefined();
  });
});

describe('PATH', () => {
  const pathOf = (path: Facts['tools']['path'], changes: Partial<Facts> = {}): string | undefined =>
    planRun(aProfile(), anInvocation(), facts({ tools: { toolchains: [], links: [], path }, ...changes })).env['PATH'];

  test.each<[string, Facts['tools']['path'], string]>([
    ['nothing visible', [], '/home/ann/.local/bin:/usr/local/bin:/usr/bin:/bin'],
    [
      'the order of the operator',
      ['/usr/bin', '/opt/x/bin'],
      '/home/ann/.local/bin:/usr/bin:/opt/x/bin:/usr/local/bin:/bin',
    ],
    [
      'links where they stood',
      ['/opt/x/bin', 'links'],
      '/home/ann/.local/bin:/opt/x/bin:/sbox/bin:/usr/local/bin:/usr/bin:/bin',
    ],
    ['only declared tools', ['links'], '/sbox/bin'],
    ['an entry once', ['/home/ann/.local/bin', '/bin', '/bin'], '/home/ann/.local/bin:/bin:/usr/local/bin:/usr/bin'],
  ])('%s', (_, path, expected) => expect(pathOf(path)).toBe(expected));

  test('the HOME in it is the one inside', () => {
    expect(pathOf([], { home: '/', realHome: '/root' })).toBe('/home/ann/.local/bin:/usr/local/bin:/usr/bin:/bin');
  });
});

describe('the shell', () => {
  const shellOf = (shell: string, changes: Partial<Facts> = {}): Plan =>
    planRun(aProfile(), anInvocation({ command: [] }), facts({ user: { ...facts().user, shell }, ...changes }));
  const toolchains = [{ root: '/home/ann/.nix/zsh', kind: 'dir' as const, why: 'zsh' }];

  test.each<[string, Partial<Facts>, string]>([
    ['/usr/bin/zsh', {}, '/usr/bin/zsh'],
    ['/bin/bash', {}, '/bin/bash'],
    ['/home/ann/.nix/zsh/bin/zsh', {}, '/bin/sh'],
    ['/home/ann/.nix/zsh/bin/zsh', { tools: { toolchains, links: [], path: [] } }, '/home/ann/.nix/zsh/bin/zsh'],
  ])('%s', (shell, changes, expected) => {
    const plan = shellOf(shell, changes);
    expect(plan.env['SHELL']).toBe(expected);
    expect(plan.command).toEqual({ argv: [expected], candidates: [expected] });
  });

  test('is the same in /etc/passwd', () => {
    const passwd = shellOf('/home/ann/.nix/zsh/bin/zsh').mounts.find(
      (mount): mount is Extract<PlannedMount, { kind: 'file' }> => mount.target === '/etc/passwd',
    );
    expect(passwd?.content).toContain('ann:x:1000:1000::/home/ann:/bin/sh\n');
  });
});

describe('the proxy in the environment', () => {
  const withMode = (network: NetworkMode, changes: Partial<Facts> = {}, set: Outside = {}): Outside => {
    const listening = capabilities({ listener: true });
    const plan = planRun(aProfile(), anInvocation({ network, set }), facts({ capabilities: listening, ...changes }));
    return Object.fromEntries(Object.entries(plan.env).filter(([name]) => /proxy|^RES_/i.test(name)));
  };
  const url = 'http://198.18.0.1:3128';
  const exempt = 'localhost,127.0.0.1,::1';
  const proxies = {
    ALL_PROXY: url,
    HTTPS_PROXY: url,
    HTTP_PROXY: url,
    NODE_USE_ENV_PROXY: '1',
    NO_PROXY: exempt,
    all_proxy: url,
    http_proxy: url,
    https_proxy: url,
    no_proxy: exempt,
  };
  const onLandlock = { capabilities: capabilities({ listener: true, namespaces: refusal }) };

  test('is named where something may leave', () => {
    expect(withMode('limited')).toEqual(proxies);
  });

  test('names are asked for over TCP where the name server has no address of its own', () => {
    expect(withMode('limited', onLandlock)).toEqual({ ...proxies, RES_OPTIONS: 'use-vc' });
  });

  test.each(['none', 'full'] as const)('is not named where there is none: %s', (mode) => {
    expect(withMode(mode)).toEqual({});
    expect(withMode(mode, onLandlock)).toEqual({});
  });

  test('is not named where no calls can be handed over', () => {
    expect(withMode('limited', { capabilities: capabilities() })).toEqual({});
  });

  test('yields to what the operator sets', () => {
    expect(withMode('limited', {}, { https_proxy: '' })).toEqual({ ...proxies, https_proxy: '' });
  });

  test('is not that of the operator, whose variables stay outside', () => {
    const env = { HTTPS_PROXY: 'http://outside.test:1', no_proxy: '*' };
    expect(withMode('limited', { env })).toEqual(proxies);
  });
});
