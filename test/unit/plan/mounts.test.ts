import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/domain/facts.ts';
import { bareNetwork } from '../../../src/domain/network.ts';
import type { Mechanism, PlannedMount } from '../../../src/domain/plan.ts';
import type { DeclaredMount } from '../../../src/domain/profile.ts';
import { planLayout } from '../../../src/plan/layout.ts';
import { planMounts } from '../../../src/plan/mounts.ts';
import { aMount, facts, plainPaths, protecting } from '../../support/plan-builders.ts';

const sandbox = { name: 's', folder: '/state/s', ephemeral: false, named: true };
/** A host of which nothing is shown but links, and the shells that lie behind them. */
const bare: Partial<Facts> = { system: [{ path: '/bin', kind: 'link', text: 'usr/bin' }], etc: [], sys: [] };

const mechanism: Mechanism = { kind: 'namespaces', root: 'pivot', proc: 'fresh' };

const mountsOf = (changes: Partial<Facts> = {}, declared: readonly DeclaredMount[] = []): PlannedMount[] => {
  const host = facts({ ...bare, ...changes });
  const layout = planLayout(mechanism, host, sandbox);
  const network = bareNetwork('none');
  const { mounts, problems } = planMounts({
    declared,
    facts: host,
    network,
    broker: false,
    sandbox,
    mechanism,
    layout,
  });
  expect(problems).toEqual([]);
  return mounts;
};

/** `target <- source access` of what comes from the host. */
const shown = (mounts: readonly PlannedMount[]): string[] =>
  mounts.flatMap((mount) => {
    if (mount.kind === 'bind')
      return [`${mount.target}${mount.source === mount.target ? '' : ` <- ${mount.source}`} ${mount.access}`];
    if (mount.kind === 'copy') return [`${mount.target} <- ${mount.source} copy`];
    return mount.kind === 'link' && mount.why === 'tool' ? [`${mount.target} -> ${mount.text}`] : [];
  });
const home = '/home/ann <- /state/s/home rw';
const workspace = '/home/ann/work rw';

describe('order', () => {
  test('a parent comes before what lies in it, whatever was declared first', () => {
    const paths = plainPaths({
      '/data': 'dir',
      '/data/a': 'dir',
      '/data/a/b': 'dir',
      '/data-2': 'dir',
      '/data.x': 'dir',
    });
    const declared = ['/data/a/b', '/data.x', '/data-2', '/data/a', '/data'].map((path) => aMount(path));
    expect(shown(mountsOf({ paths }, declared))).toEqual([
      '/data ro',
      '/data/a ro',
      '/data/a/b ro',
      '/data-2 ro',
      '/data.x ro',
      home,
      workspace,
    ]);
  });

  test('no mount comes before the one around it', () => {
    const paths = plainPaths({ '/home/ann/a': 'dir', '/home/ann/work/x': 'dir', '/srv/y': 'dir' });
    const mounts = mountsOf(
      { ...facts(), paths },
      [aMount('x', 'copy'), aMount('~/a', 'rw'), aMount('/srv/y', 'ro', '/home/ann/work/x/deep')].slice(0, 2),
    );
    const targets = mounts.map(({ target }) => target);
    for (const [index, target] of targets.entries()) {
      expect(targets.slice(index + 1).filter((later) => target.startsWith(`${later}/`))).toEqual([]);
    }
    expect(new Set(targets).size).toBe(targets.length);
  });

  test('of two mounts with one target the later one counts', () => {
    const paths = plainPaths({ '/a': 'dir', '/b': 'dir' });
    expect(shown(mountsOf({ paths }, [aMount('/a', 'rw', '/t'), aMount('/b', 'ro', '/t')]))).toEqual([
      home,
      workspace,
      '/t <- /b ro',
    ]);
  });

  test.each<[string, DeclaredMount, string]>([
    ['the workspace', aMount('.', 'ro'), '/home/ann/work ro'],
    ['a toolchain', aMount('/other', 'ro', '/opt/tool'), '/opt/tool <- /other ro'],
    ['a protected path', aMount('.envrc', 'rw'), '/home/ann/work/.envrc rw'],
    ['a part of /etc', aMount('/other', 'ro', '/etc/services'), '/etc/services <- /other ro'],
  ])('a declared mount wins over %s', (_, declared, line) => {
    const mounts = mountsOf(
      {
        etc: [{ path: '/etc/services', kind: 'file' }],
        tools: { toolchains: [{ root: '/opt/tool', kind: 'dir', why: 'tool' }], links: [], path: [] },
        protectedPaths: protecting([{ path: '.envrc', kind: 'file' }]),
        paths: plainPaths({
          '/home/ann/work': 'dir',
          '/other': 'dir',
          '/home/ann/work/.envrc': 'file',
          '/opt/tool': 'dir',
        }),
      },
      [declared],
    );
    const target = line.split(' ')[0] ?? '';
    expect(shown(mounts).filter((text) => text.startsWith(`${target} `))).toEqual([line]);
  });

  test('the workspace may be HOME-like deep, or outside HOME', () => {
    expect(shown(mountsOf({ workspace: '/srv/project', cwd: '/srv/project' }))).toEqual([home, '/srv/project rw']);
  });
});

describe('protected paths', () => {
  const shownOf = (
    existing: Parameters<typeof protecting>[0],
    declared: readonly DeclaredMount[] = [],
    paths: Facts['paths'] = {},
  ) =>
    shown(mountsOf({ protectedPaths: protecting(existing), paths }, declared)).filter((line) =>
      line.startsWith('/home/ann/work/'),
    );

  test('one at the top is read-only', () => {
    expect(shownOf([{ path: 'sbox.json', kind: 'file' }])).toEqual(['/home/ann/work/sbox.json ro']);
  });

  test('directories above one are mounted onto themselves, each once', () => {
    expect(
      shownOf([
        { path: '.git/hooks', kind: 'dir' },
        { path: '.git/config', kind: 'file' },
        { path: '.git/modules/a/b/config', kind: 'file' },
      ]),
    ).toEqual([
      '/home/ann/work/.git rw',
      '/home/ann/work/.git/config ro',
      '/home/ann/work/.git/hooks ro',
      '/home/ann/work/.git/modules rw',
      '/home/ann/work/.git/modules/a rw',
      '/home/ann/work/.git/modules/a/b rw',
      '/home/ann/work/.git/modules/a/b/config ro',
    ]);
  });

  test.each([
    [[{ path: '.git', kind: 'dir' } as const, { path: '.git/config', kind: 'file' } as const]],
    [[{ path: '.git/config', kind: 'file' } as const, { path: '.git', kind: 'dir' } as const]],
  ])('a path within a protected one stays within a read-only one, in either order', (existing) => {
    expect(shownOf(existing)).toEqual(['/home/ann/work/.git ro', '/home/ann/work/.git/config ro']);
  });

  test('a link is left alone', () => {
    expect(shownOf([{ path: '.vscode', kind: 'link' }])).toEqual([]);
  });

  test('a writable mount of exactly that path lifts the protection, a read-only one does not', () => {
    const existing = [{ path: '.git/hooks', kind: 'dir' } as const, { path: '.git/config', kind: 'file' } as const];
    const paths = plainPaths({ '/home/ann/work/.git/hooks': 'dir' });
    const rest = ['/home/ann/work/.git rw', '/home/ann/work/.git/config ro'];
    expect(shownOf(existing, [aMount('.git/hooks', 'rw')], paths)).toEqual([...rest, '/home/ann/work/.git/hooks rw']);
    expect(shownOf(existing, [aMount('.git/hooks', 'ro')], paths)).toEqual([...rest, '/home/ann/work/.git/hooks ro']);
    expect(shownOf(existing, [aMount('.git/hooks', 'copy')], paths)).toEqual([
      ...rest,
      '/home/ann/work/.git/hooks <- /home/ann/work/.git/hooks copy',
    ]);
  });

  test('a writable mount of the directory around one does not lift it', () => {
    const paths = plainPaths({ '/home/ann/work/.git': 'dir' });
    expect(shownOf([{ path: '.git/config', kind: 'file' }], [aMount('.git', 'rw')], paths)).toEqual([
      '/home/ann/work/.git rw',
      '/home/ann/work/.git/config ro',
    ]);
  });

  test('one that another directory is mounted over is not there', () => {
    const paths = plainPaths({ '/elsewhere': 'dir', '/home/ann/work/.git': 'dir' });
    expect(
      shownOf([{ path: '.git/config', kind: 'file' }], [aMount('/elsewhere', 'rw', '/home/ann/work/.git')], paths),
    ).toEqual(['/home/ann/work/.git <- /elsewhere rw']);
  });
});

describe('tools', () => {
  test('a toolchain is read-only at its own path; links lie in the folder of tools', () => {
    const tools = {
      toolchains: [
        { root: '/opt/node', kind: 'dir' as const, why: 'claude' },
        { root: '/home/ann/.local/bin/uv', kind: 'file' as const, why: 'uv' },
      ],
      links: [{ name: 'claude', target: '/opt/node/lib/cli.js' }],
      path: ['links' as const],
    };
    const mounts = mountsOf({ tools });
    expect(shown(mounts)).toEqual([
      home,
      '/home/ann/.local/bin/uv ro',
      workspace,
      '/opt/node ro',
      '/sbox/bin/claude -> /opt/node/lib/cli.js',
    ]);
    expect(mounts.find(({ target }) => target.endsWith('/uv'))).toMatchObject({ type: 'file', why: 'toolchain of uv' });
  });

  test('a toolchain that holds the workspace leaves it writable', () => {
    const tools = { toolchains: [{ root: '/home/ann/tree', kind: 'dir' as const, why: 'x' }], links: [], path: [] };
    expect(shown(mountsOf({ tools, workspace: '/home/ann/tree/project' }))).toEqual([
      home,
      '/home/ann/tree ro',
      '/home/ann/tree/project rw',
    ]);
  });
});

describe('HOME and accounts', () => {
  const contentOf = (mounts: readonly PlannedMount[], target: string): string | undefined => {
    const mount = mounts.find((candidate) => candidate.target === target);
    return mount?.kind === 'file' ? mount.content : undefined;
  };

  test.each([
    ['/', '/home/ann'],
    ['/dev', '/home/ann'],
    ['/dev/shm/ann', '/home/ann'],
    ['/proc/self', '/home/ann'],
    ['/sys', '/home/ann'],
    ['/sbox', '/home/ann'],
    ['/root', '/root'],
    ['/var/lib/jenkins', '/var/lib/jenkins'],
    ['/sboxes', '/sboxes'],
  ])('a HOME of %s is %s inside', (real, inside) => {
    const mounts = mountsOf({ home: real, realHome: real });
    expect(shown(mounts)).toContain(`${inside} <- /state/s/home rw`);
    expect(contentOf(mounts, '/etc/passwd')).toContain(`ann:x:1000:1000::${inside}:/bin/bash\n`);
  });

  test('root has one entry, its own', () => {
    const user = { uid: 0, gid: 0, kernelRoot: true, name: 'root', group: 'root', shell: '/bin/zsh' };
    const mounts = mountsOf({ user, home: '/root', realHome: '/root' });
    expect(contentOf(mounts, '/etc/passwd')).toBe(
      'root:x:0:0::/root:/bin/zsh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n',
    );
    expect(contentOf(mounts, '/etc/group')).toBe('root:x:0:\nnogroup:x:65534:\n');
  });

  test('a user that is nobody has one entry, its own', () => {
    const user = { uid: 65534, gid: 65534, kernelRoot: false, name: 'nobody', group: 'nogroup', shell: '/bin/sh' };
    expect(contentOf(mountsOf({ user }), '/etc/passwd')).toBe(
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/home/ann:/bin/sh\n',
    );
  });
});

test.each([
  ['none', true, '# no name server is reachable in this sandbox\n'],
  ['limited', true, 'nameserver 127.0.0.53\n'],
  ['host-only', true, 'nameserver 127.0.0.53\n'],
  ['limited', false, '# no name server is reachable in this sandbox\n'],
  ['full', false, facts().resolvConf],
] as const)('with network %s, and a broker: %s, the name servers are those that answer', (mode, broker, content) => {
  const host = facts(bare);
  const layout = planLayout(mechanism, host, sandbox);
  const network = bareNetwork(mode);
  const { mounts } = planMounts({ declared: [], facts: host, network, broker, sandbox, mechanism, layout });
  expect(mounts.find(({ target }) => target === '/etc/resolv.conf')).toMatchObject({ kind: 'file', content });
});
