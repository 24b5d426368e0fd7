import type { Facts } from '../domain/facts.ts';
import { isWithin } from '../domain/path.ts';
import type { Mechanism, Plan, PlannedMount } from '../domain/plan.ts';
import { resolverAddress } from '../domain/stand-ins.ts';
import { planShell } from './command.ts';

/** Where a rung puts what the command finds by its environment: absolute paths as the command sees them. */
export interface Layout {
  readonly home: string;
  /** TMPDIR */
  readonly temporary: string;
  /** the directory of links to tools, in PATH behind the sandbox's own programs */
  readonly tools: string;
}

/** A mount namespace has its own HOME at the real one's path; without one, the sandbox's folders are used where they lie. */
export const planLayout = (mechanism: Mechanism, facts: Facts, sandbox: Plan['sandbox']): Layout =>
  mechanism.kind === 'namespaces'
    ? { home: homeInside(facts), temporary: '/tmp', tools: '/sbox/bin' }
    : { home: `${sandbox.folder}/home`, temporary: `${facts.runFolder}/tmp`, tools: `${facts.runFolder}/bin` };

/** The sandbox's host name. */
export const sandboxHostname = 'sbox';

/** HOME as the command sees it: the real one's path, unless nothing can be mounted there (a container's `/`). */
export const homeInside = (facts: Facts): string =>
  ownTargets.includes(facts.home) || [...reserved, '/etc', '/usr'].some((folder) => isWithin(facts.home, folder))
    ? `/home/${facts.user.name}`
    : facts.home;

/** Paths that are sbox's own inside: nothing is mounted there or below. */
export const reserved: readonly string[] = ['/proc', '/dev', '/sys', '/sbox'];

/** What the landlock rung allows of the host: system directories and the curated /etc, accounts and names as they are, /proc, harmless devices. */
export const planHostBase = (facts: Facts): PlannedMount[] => [
  ...facts.system.map((entry) => planEntry(entry, 'system')),
  ...facts.etc.map((entry) => planEntry(entry, 'curated')),
  ...facts.sharedFiles.map((path) => planEntry({ path, kind: 'file' }, 'as on the host')),
  planEntry({ path: '/proc', kind: 'dir' }, "the host's"),
  ...facts.sys.map((entry) => planEntry(entry, 'processor topology')),
  ...['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name): PlannedMount => {
    const path = `/dev/${name}`;
    return { kind: 'bind', source: path, target: path, type: 'file', access: 'rw', why: 'device' };
  }),
];

/** Paths that every sandbox has: nothing is mounted exactly there. */
export const ownTargets: readonly string[] = [
  '/',
  '/etc',
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/tmp',
  '/run',
  '/var',
  '/var/tmp',
  '/home',
];

/** System directories read-only, the curated /etc, /proc, /dev, private temporary folders: what every sandbox has. */
export const planBase = (facts: Facts, network: Plan['network'], broker: boolean): PlannedMount[] => [
  ...facts.system.map((entry) => planEntry(entry, 'system')),
  { kind: 'dir', target: '/etc', why: 'curated' },
  ...facts.etc.map((entry) => ({
    ...planEntry(entry, 'curated'),
    ...(entry.kind !== 'link' && { optional: true as const }),
  })),
  ...planAccountFiles(facts),
  ...planNetworkFiles(facts, network, broker),
  { kind: 'link', target: '/etc/mtab', text: '../proc/self/mounts', why: 'synthetic' },
  { kind: 'proc', target: '/proc', why: 'own processes' },
  { kind: 'devices', target: '/dev', why: 'minimal' },
  ...facts.sys.map((entry) => planEntry(entry, 'processor topology')),
  { kind: 'memory', target: '/tmp', mode: 0o1777, why: 'private' },
  { kind: 'memory', target: '/var/tmp', mode: 0o1777, why: 'private' },
  { kind: 'memory', target: '/run', mode: 0o755, why: 'private' },
];

const planEntry = (entry: Facts['system'][number], why: string): PlannedMount =>
  entry.kind === 'link'
    ? { kind: 'link', target: entry.path, text: entry.text ?? '', why }
    : { kind: 'bind', source: entry.path, target: entry.path, type: entry.kind, access: 'ro', why };

const planAccountFiles = (facts: Facts): PlannedMount[] => {
  const { uid, gid, name, group } = facts.user;
  const shell = planShell(facts);
  const passwd = new Map([
    [0, 'root:x:0:0:root:/root:/bin/sh'],
    [65534, 'nobody:x:65534:65534:nobody:/nonexistent:/bin/false'],
  ]);
  passwd.set(uid, `${name}:x:${uid}:${gid}::${homeInside(facts)}:${shell}`);
  const groups = new Map([
    [0, 'root:x:0:'],
    [65534, 'nogroup:x:65534:'],
  ]);
  groups.set(gid, `${group}:x:${gid}:`);
  return [synthetic('/etc/passwd', passwd.values()), synthetic('/etc/group', groups.values())];
};

const planNetworkFiles = (facts: Facts, { mode }: Plan['network'], broker: boolean): PlannedMount[] => {
  const shared = mode === 'full';
  const own = ['127.0.0.1 localhost', '::1 localhost ip6-localhost ip6-loopback', `127.0.1.1 ${sandboxHostname}`];
  return [
    synthetic('/etc/hostname', [sandboxHostname]),
    synthetic('/etc/hosts', shared ? [facts.hosts.trimEnd(), own[2] ?? ''] : own),
    synthetic('/etc/resolv.conf', [shared ? facts.resolvConf.trimEnd() : ownResolver(mode, broker)]),
  ];
};

const ownResolver = (mode: Plan['network']['mode'], broker: boolean): string =>
  broker && mode !== 'none' ? `nameserver ${resolverAddress}` : '# no name server is reachable in this sandbox';

const synthetic = (target: string, lines: Iterable<string>): PlannedMount => ({
  kind: 'file',
  target,
  content: `${[...lines].join('\n')}\n`,
  why: 'synthetic',
});
