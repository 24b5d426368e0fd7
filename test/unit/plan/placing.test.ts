import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/domain/facts.ts';
import { bareNetwork } from '../../../src/domain/network.ts';
import type { Mechanism } from '../../../src/domain/plan.ts';
import type { DeclaredMount } from '../../../src/domain/profile.ts';
import { planLayout } from '../../../src/plan/layout.ts';
import { planMounts } from '../../../src/plan/mounts.ts';
import { aMount, facts, plainPaths } from '../../support/plan-builders.ts';

const sandbox = { name: 's', folder: '/state/s', ephemeral: false, named: true };
const landlock = { kind: 'landlock', abi: 7, namespaces: true } as const;
const paths = plainPaths({
  '/srv': 'dir',
  '/srv/data': 'dir',
  '/home/ann/.gitconfig': 'file',
  '/home/ann/.config/git': 'dir',
  '/home/ann/.config': 'dir',
  '/home/ann/work/vendor': 'dir',
  '/home/ann/work/fixtures': 'dir',
});

const place = (declared: readonly DeclaredMount[], changes: Partial<Facts> = {}, mechanism: Mechanism = landlock) => {
  const host = facts({ runFolder: '/state/runs/1', paths, ...changes });
  const layout = planLayout(mechanism, host, sandbox);
  const { mounts, problems } = planMounts({
    declared,
    facts: host,
    network: bareNetwork('none'),
    broker: false,
    sandbox,
    mechanism,
    layout,
  });
  return {
    mounts,
    /** what the declared mounts have become */
    placed: mounts
      .filter(({ why }) => why === '--mount')
      .map((mount) => {
        if (mount.kind === 'link') return `${mount.target} -> ${mount.text}`;
        if (mount.kind === 'copy') return `${mount.target} <- ${mount.source} copy`;
        if (mount.kind !== 'bind') return mount.kind;
        return `${mount.target}${mount.source === mount.target ? '' : ` <- ${mount.source}`} ${mount.access}`;
      }),
    problems: problems.map(({ message, hint }) => `${message} | ${hint}`),
  };
};

test("without a mount namespace the host's own paths are allowed, and the sandbox's folders lie where they are", () => {
  const { mounts } = place([], {
    system: [
      { path: '/usr', kind: 'dir' },
      { path: '/bin', kind: 'link', text: 'usr/bin' },
    ],
    etc: [
      { path: '/etc/services', kind: 'file' },
      { path: '/etc/localtime', kind: 'link', text: '/usr/share/zoneinfo/UTC' },
    ],
    sys: [{ path: '/sys/devices/system/cpu', kind: 'dir' }],
    sharedFiles: ['/etc/hosts'],
    tools: {
      toolchains: [{ root: '/opt/node', kind: 'dir', why: 'node' }],
      links: [{ name: 'node', target: '/opt/node/bin/node' }],
      path: [],
    },
  });
  const bind = (path: string, type: 'file' | 'dir', access: 'ro' | 'rw', why: string) => ({
    kind: 'bind',
    source: path,
    target: path,
    type,
    access,
    why,
  });
  const devices = ['full', 'null', 'random', 'tty', 'urandom', 'zero'];
  const link = (target: string, text: string, why: string) => ({ kind: 'link', target, text, why });
  expect(mounts).toEqual([
    link('/bin', 'usr/bin', 'system'),
    ...devices.map((name) => bind(`/dev/${name}`, 'file', 'rw', 'device')),
    bind('/etc/hosts', 'file', 'ro', 'as on the host'),
    link('/etc/localtime', '/usr/share/zoneinfo/UTC', 'curated'),
    bind('/etc/services', 'file', 'ro', 'curated'),
    bind('/home/ann/work', 'dir', 'rw', 'workspace'),
    bind('/opt/node', 'dir', 'ro', 'toolchain of node'),
    bind('/proc', 'dir', 'ro', "the host's"),
    bind('/state/runs/1/bin', 'dir', 'ro', 'links to tools'),
    link('/state/runs/1/bin/node', '/opt/node/bin/node', 'tool'),
    bind('/state/runs/1/tmp', 'dir', 'rw', 'private'),
    bind('/state/s/home', 'dir', 'rw', 'HOME of this sandbox'),
    bind('/sys/devices/system/cpu', 'dir', 'ro', 'processor topology'),
    bind('/usr', 'dir', 'ro', 'system'),
  ]);
});

describe.each<Mechanism>([landlock, { kind: 'portable' }])('a declared mount on the $kind rung', (mechanism) => {
  const placedOf = (...declared: readonly DeclaredMount[]) => {
    const { placed, problems } = place(declared, {}, mechanism);
    expect(problems).toEqual([]);
    return placed;
  };

  test.each<[string, DeclaredMount, readonly string[]]>([
    ['shown where it is', aMount('/srv/data', 'rw'), ['/srv/data rw']],
    [
      'of a file below HOME has a link in the one of the sandbox',
      aMount('~/.gitconfig'),
      ['/home/ann/.gitconfig ro', '/state/s/home/.gitconfig -> /home/ann/.gitconfig'],
    ],
    [
      'of a folder deep below HOME likewise',
      aMount('~/.config/git', 'rw'),
      ['/home/ann/.config/git rw', '/state/s/home/.config/git -> /home/ann/.config/git'],
    ],
    [
      'from elsewhere to below HOME is reached by a link too',
      aMount('/srv/data', 'ro', '~/data'),
      ['/srv/data ro', '/state/s/home/data -> /srv/data'],
    ],
  ])('%s', (_, declared, expected) => expect([...placedOf(declared)].sort()).toEqual([...expected].sort()));

  test('that is a copy below HOME is a link to the copy', () => {
    const [copy, link] = [...placedOf(aMount('~/.config', 'copy'))].sort((a, b) => Number(a > b));
    expect([copy, link].join('\n')).toMatch(
      /^\/state\/s\/copies\/\.config-[0-9a-f]{16} <- \/home\/ann\/\.config copy\n\/state\/s\/home\/\.config -> \/state\/s\/copies\/\.config-[0-9a-f]{16}$/,
    );
  });

  test.each<[string, DeclaredMount, string]>([
    [
      'that is to appear elsewhere',
      aMount('/srv/data', 'ro', '/data'),
      `the ${mechanism.kind} rung can't show "/srv/data" as "/data" (--mount) | name "/srv/data" or "~/data" as the target`,
    ],
    [
      'that is a copy outside HOME',
      aMount('/srv/data', 'copy'),
      `the ${mechanism.kind} rung can't show "/srv/data" as "/srv/data" (--mount) | name "~/data" as the target`,
    ],
  ])('%s is refused, with what would work', (_, declared, problem) => {
    const { placed, problems } = place([declared], {}, mechanism);
    expect({ placed, problems }).toEqual({ placed: [], problems: [problem] });
    for (const [, works = ''] of problem.replace(/.* \| /, '').matchAll(/"(.*?)"/g))
      expect(place([{ ...declared, target: works }], {}, mechanism).problems).toEqual([]);
  });

  test('below a HOME that is the root has a link in the one of the sandbox, and nothing else there has', () => {
    const root = { home: '/', realHome: '/', paths: plainPaths({ '/.npmrc': 'file', '/srv/data': 'dir' }) };
    const shown = (declared: DeclaredMount) => [...place([declared], root, mechanism).placed].sort();
    const link = (name: string, to: string) => [`${to} ro`, `/state/s/home/${name} -> ${to}`];
    expect(shown(aMount('~/.npmrc'))).toEqual(link('.npmrc', '/.npmrc'));
    expect(shown(aMount('/.npmrc'))).toEqual(link('.npmrc', '/.npmrc'));
    expect(shown(aMount('/srv/data', 'ro', '/.data'))).toEqual(link('.data', '/srv/data').sort());
    expect(shown(aMount('/srv/data', 'ro', '~/data'))).toEqual(link('data', '/srv/data').sort());
    expect(shown(aMount('/srv/data'))).toEqual(['/srv/data ro']);
    expect(place([aMount('/srv/data', 'ro', '/data')], root, mechanism).problems).toHaveLength(1);
    expect(place([aMount('/srv/data', 'ro', '~')], root, mechanism).problems).toEqual([
      'cannot mount over "/home/ann": it is the sandbox\'s HOME (--mount) | name what is needed below it, such as ~/.gitconfig:ro',
    ]);
  });

  test('every refused one is told at once, beside what is wrong anyway', () => {
    const declared = [aMount('/srv/data', 'ro', '/data'), aMount('/none'), aMount('/srv', 'ro', '/other')];
    expect(place(declared, {}, mechanism).problems.map((text) => text.replace(/ \(.*/, ''))).toEqual([
      'mount source "/none" does not exist',
      `the ${mechanism.kind} rung can't show "/srv/data" as "/data"`,
      `the ${mechanism.kind} rung can't show "/srv" as "/other"`,
    ]);
  });
});

describe('what can not be kept on the landlock rung', () => {
  const refusedOrTold = (declared: DeclaredMount) => place([declared]).problems.length;

  test('a read-only mount within the writable workspace is refused', () => {
    expect(refusedOrTold(aMount('vendor', 'ro'))).toBe(1);
  });

  test('a copy within the writable workspace is refused', () => {
    expect(refusedOrTold(aMount('fixtures', 'copy'))).toBe(1);
  });

  test('another folder within the workspace is refused', () => {
    expect(refusedOrTold(aMount('/srv/data', 'ro', '/home/ann/work/vendor'))).toBe(1);
  });
});
