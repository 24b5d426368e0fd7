import type { Mechanism } from '../../src/domain/plan.ts';

export interface Environment {
  /** as in the matrix */
  readonly name: string;
  /** of test/support/nested-env.sh; `host`: none, as the user who runs the tests */
  readonly variant: string;
  /** system calls that its kernel seems not to have, with their error number */
  readonly deny?: string;
  /** options of sbox */
  readonly options?: readonly string[];
  /** how sbox has to do it there, but for the version of Landlock */
  readonly mechanism: ExpectedMechanism;
  /** what makes it an environment of its own */
  readonly like: string;
}

export type ExpectedMechanism =
  | Extract<Mechanism, { kind: 'namespaces' | 'portable' }>
  | Omit<Extract<Mechanism, { kind: 'landlock' }>, 'abi'>;

const landlock = { kind: 'landlock', namespaces: false } as const;
const ownProc = { kind: 'namespaces', root: 'pivot', proc: 'fresh' } as const;
const hostProc = { kind: 'namespaces', root: 'pivot', proc: 'host' } as const;

/** Where sbox has to work, and how. */
export const environments: readonly Environment[] = [
  { name: 'host', variant: 'host-user', mechanism: ownProc, like: 'an ordinary user' },
  { name: 'host, as root', variant: 'host', mechanism: ownProc, like: 'uid 0' },
  {
    name: 'host, user namespaces off',
    variant: 'host-nouserns',
    mechanism: landlock,
    like: 'user.max_user_namespaces=0',
  },
  { name: 'host, AppArmor', variant: 'host-apparmor', mechanism: landlock, like: 'Ubuntu 24.04' },
  { name: 'Docker', variant: 'docker', mechanism: landlock, like: 'its defaults, uid 0' },
  { name: 'Docker, as a user', variant: 'docker-user', mechanism: landlock, like: 'its defaults, uid 1000' },
  { name: 'Kubernetes', variant: 'k8s', mechanism: landlock, like: 'Pod Security "restricted"' },
  { name: 'Docker, unconfined', variant: 'docker-unconfined', mechanism: hostProc, like: 'seccomp=unconfined' },
  {
    name: 'Docker, unconfined, as a user',
    variant: 'docker-unconfined-user',
    mechanism: hostProc,
    like: 'the same, uid 1000',
  },
  {
    name: 'Docker, unconfined, AppArmor',
    variant: 'docker-apparmor',
    mechanism: { kind: 'landlock', namespaces: true },
    like: 'the same on Ubuntu or Debian',
  },
  {
    name: 'Docker, SYS_ADMIN',
    variant: 'docker-sysadmin',
    mechanism: { kind: 'namespaces', root: 'chroot', proc: 'host' },
    like: '--cap-add SYS_ADMIN',
  },
  { name: 'Docker, privileged', variant: 'privileged', mechanism: ownProc, like: '--privileged' },
  { name: 'Podman, rootless', variant: 'podman', mechanism: hostProc, like: 'its defaults' },
  { name: 'Podman, rootless, as a user', variant: 'podman-user', mechanism: hostProc, like: 'uid 1000 inside' },
  {
    name: 'Docker, no Landlock',
    variant: 'docker',
    deny: 'landlock_create_ruleset=95',
    mechanism: { kind: 'portable' },
    like: 'a kernel before 5.13',
  },
];

/** Rungs that are not the strongest where they are forced; not in the matrix. */
export const forced: readonly Environment[] = [
  {
    name: 'host, --rung landlock',
    variant: 'host-user',
    options: ['--rung', 'landlock'],
    mechanism: { kind: 'landlock', namespaces: true },
    like: 'forced',
  },
  {
    name: 'host, --rung landlock --hide strict',
    variant: 'host-user',
    options: ['--rung', 'landlock', '--hide', 'strict'],
    mechanism: { kind: 'landlock', namespaces: true },
    like: 'forced',
  },
  {
    name: 'Docker, --hide strict',
    variant: 'docker',
    options: ['--hide', 'strict'],
    mechanism: landlock,
    like: 'forced',
  },
  {
    name: 'host, as root, --rung landlock',
    variant: 'host',
    options: ['--rung', 'landlock'],
    mechanism: { kind: 'landlock', namespaces: true },
    like: 'forced',
  },
];
