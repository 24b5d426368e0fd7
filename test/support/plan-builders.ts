import type { Capabilities, Facts } from '../../src/domain/facts.ts';
import type { Invocation } from '../../src/domain/invocation.ts';
import { bareNetwork } from '../../src/domain/network.ts';
import type { DeclaredMount, Profile } from '../../src/domain/profile.ts';

/** A profile that declares nothing, with these changes. */
export const aProfile = (changes: Partial<Profile> = {}): Profile => ({
  sources: ['default'],
  command: [],
  mounts: [],
  protect: [],
  env: { pass: [], passIfVisible: [], set: {} },
  network: bareNetwork('none'),
  path: { tools: [] },
  limits: {},
  credentials: [],
  hide: 'usual',
  require: [],
  userNamespaces: false,
  ...changes,
});

/** An invocation that asks for `true` and nothing else, with these changes. */
export const anInvocation = (changes: Partial<Invocation> = {}): Invocation => ({
  command: ['true'],
  mounts: [],
  pass: [],
  set: {},
  require: [],
  ephemeral: false,
  limits: {},
  ...changes,
});

/** What a kernel gives that has everything, with these changes. */
export const capabilities = (changes: Partial<Capabilities> = {}): Capabilities => ({
  namespaces: { root: 'pivot', proc: 'fresh' },
  bareNamespaces: true,
  landlockAbi: 7,
  listener: false,
  ...changes,
});

/** A small host: user ann works in /home/ann/work, with programs in /usr alone. */
export const facts = (changes: Partial<Facts> = {}): Facts => ({
  arch: 'x64',
  capabilities: capabilities(),
  user: { uid: 1000, gid: 1000, kernelRoot: false, name: 'ann', group: 'ann', shell: '/bin/bash' },
  home: '/home/ann',
  realHome: '/home/ann',
  hostname: 'box',
  cwd: '/home/ann/work',
  workspace: '/home/ann/work',
  workspaceOwner: 1000,
  stateDir: '/home/ann/.local/state/sbox',
  configDir: '/home/ann/.config/sbox',
  runFolder: '/home/ann/.local/state/sbox/runs/1-a',
  codeDir: '/usr/lib/node_modules/sbox',
  env: {},
  system: [
    { path: '/usr', kind: 'dir' },
    { path: '/bin', kind: 'link', text: 'usr/bin' },
  ],
  etc: [{ path: '/etc/services', kind: 'file' }],
  sys: [],
  tools: { toolchains: [], links: [], path: ['/usr/bin'] },
  paths: {},
  protectedPaths: [],
  registries: {},
  sharedFiles: ['/etc/passwd', '/etc/hosts'],
  resolvConf: 'nameserver 192.0.2.53\n',
  hosts: '127.0.0.1 localhost box\n',
  ...changes,
});

/** A declared mount of an option, relative to /home/ann/work. */
export const aMount = (
  source: string,
  mode: DeclaredMount['mode'] = 'ro',
  target?: string,
  origin = '--mount',
): DeclaredMount => ({ source, mode, base: '/home/ann/work', origin, ...(target !== undefined && { target }) });

/** Facts of paths that are what they seem: no link on the way. */
export const plainPaths = (paths: Readonly<Record<string, 'file' | 'dir' | 'other' | 'missing'>>): Facts['paths'] =>
  Object.fromEntries(
    Object.entries(paths).map(([path, kind]) => [
      path,
      kind === 'missing' ? { kind, errno: 'ENOENT' as const, links: [] } : { kind, real: path, links: [] },
    ]),
  );

/** The protected paths that the workspace has and lacks. */
export const protecting = (
  existing: readonly { readonly path: string; readonly kind: 'file' | 'dir' | 'link'; readonly names?: number }[],
  missing: readonly string[] = [],
): Facts['protectedPaths'] => [
  {
    root: '/home/ann/work',
    existing: existing.map(({ path, kind, names = 1 }) => ({ path, kind, names, identity: `as it was: ${path}` })),
    missing,
  },
];
