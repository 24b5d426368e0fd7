import type { Facts } from '../domain/facts.ts';
import type { Mechanism, Plan } from '../domain/plan.ts';
import type { Property, PropertyName, PropertyStatus } from '../domain/property.ts';

type PropertyFacts = Pick<Facts, 'capabilities' | 'protectedPaths'>;
type Shape = Pick<Plan, 'network' | 'limits' | 'user' | 'userNamespaces' | 'mechanism' | 'broker' | 'hidePaths'>;

/** What a plan's rung promises for it on this host. */
export const planProperties = (plan: Shape, facts: PropertyFacts): Property[] => {
  const { mechanism } = plan;
  switch (mechanism.kind) {
    case 'namespaces':
      return [
        ...namespacesFiles,
        ...everyRung,
        filteredTty,
        ...namespacesRest(plan, mechanism, facts),
        planLimits(plan),
      ];
    case 'landlock':
      return [
        ...landlockFiles(mechanism, plan.hidePaths, facts),
        ...everyRung,
        filteredTty,
        ...landlockRest(plan, mechanism),
        planLimits(plan),
      ];
    case 'portable':
      return [...portableFiles, ...everyRung, ...portableRest(plan), planLimits(plan)];
  }
};

const property = (name: PropertyName, status: PropertyStatus, why: string): Property => ({ name, status, why });

const everyRung: readonly Property[] = [
  property('home', 'enforced', "the sandbox's own directory"),
  property('env', 'enforced', 'an allowlist'),
  property('path', 'enforced', 'visible directories only'),
];

const filteredTty = property('tty', 'enforced', 'TIOCSTI and TIOCLINUX are refused');

const namespacesFiles: readonly Property[] = [
  property('hide', 'enforced', 'the root holds declared mounts only'),
  property('read', 'enforced', 'nothing else is mounted'),
  property('write', 'enforced', 'read-only mounts, but for named pipes in them; the rest is private'),
];

const namespacesRest = (
  plan: Shape,
  variant: Extract<Mechanism, { kind: 'namespaces' }>,
  facts: PropertyFacts,
): Property[] => [
  ownNetwork(plan),
  plan.broker ? brokeredSockets : sharedSockets(plan, facts),
  variant.proc === 'fresh'
    ? property('process', 'enforced', 'a PID namespace of its own, ended with the run')
    : property(
        'process',
        'partial',
        "/proc shows outsiders' names and command lines; they can't be traced or signalled",
      ),
];

/** A network namespace, with the ways out that the broker makes. */
const ownNetwork = ({ network, broker }: Shape): Property => {
  if (network.mode === 'full') return openNetwork;
  const isolated = 'a network namespace of its own with loopback only';
  return property(
    'network',
    'enforced',
    broker && network.mode !== 'none' ? `${isolated}; ${wayOut[network.mode]}` : isolated,
  );
};

const wayOut = {
  limited: "declared hosts through sbox's proxy",
  'host-only': "addresses of this machine through sbox's proxy",
} as const;

const brokeredSockets = property('sockets', 'enforced', 'unix sockets that were not made inside are refused');

const sharedSockets = ({ network }: Shape, facts: PropertyFacts): Property =>
  network.mode === 'full' && facts.capabilities.landlockAbi < 6
    ? property('sockets', 'open', "mode full shares the host's abstract sockets, and Landlock ABI 6 is missing")
    : property('sockets', 'partial', 'a unix socket that lies in a declared mount can be connected to');

const landlockFiles = (
  { abi }: Extract<Mechanism, { kind: 'landlock' }>,
  hidePaths: boolean,
  facts: PropertyFacts,
): Property[] => {
  const holes = [
    hidePaths
      ? 'attributes of declared files that you own can be changed, and of others by a thread that exchanges the path during the call'
      : 'modes, owners, times and extended attributes of files that you own can be changed',
    ...(abi < 3 ? ['such files can be truncated (Landlock ABI 3 is missing)'] : []),
    ...(facts.protectedPaths.some(({ existing }) => existing.length > 0)
      ? ['protected paths can be changed, and are reported if they were']
      : []),
  ];
  return [
    property(
      'hide',
      'partial',
      hidePaths
        ? 'undeclared paths are absent, but a program that names one as its interpreter, or a thread that changes the path during the call, can learn that it exists; mount points are in /proc'
        : "undeclared paths can't be opened, but that they exist shows to stat, readlink and inotify",
    ),
    property('read', 'enforced', 'Landlock refuses to open what was not declared'),
    property('write', 'partial', holes.join('; ')),
  ];
};

const landlockRest = (plan: Shape, { abi, namespaces }: Extract<Mechanism, { kind: 'landlock' }>): Property[] => {
  const contained = namespaces || abi >= 6;
  const { user } = plan;
  return [
    namespaces ? ownNetwork(plan) : sharedNetwork(plan),
    plan.broker ? brokeredSockets : property('sockets', 'enforced', 'no unix sockets but socketpair'),
    property(
      'process',
      'partial',
      contained
        ? landlockProcess(namespaces || user.kernelRoot)
        : 'processes of the same user can be seen and signalled, and a daemon outlives the run (Landlock ABI 6 is missing)',
    ),
  ];
};

/** The host's network, in which the command's sockets are confined. */
const sharedNetwork = ({ network, broker }: Shape): Property => {
  if (network.mode === 'full') return openNetwork;
  if (!broker) return property('network', 'enforced', 'no internet sockets, not even for loopback');
  const confined = 'sockets are bound to loopback, where those made inside alone can be reached';
  return property('network', 'enforced', network.mode === 'none' ? confined : `${confined}; ${wayOut[network.mode]}`);
};

const portableFiles: readonly Property[] = [
  property('hide', 'advisory', "HOME, TMPDIR and PATH are the sandbox's, everything else is there"),
  property('read', 'advisory', 'nothing refuses to open a file that the user may open'),
  property('write', 'advisory', 'nothing refuses to change a file that the user may change'),
];

const portableWay = {
  none: 'proxy variables lead nowhere',
  limited: "clients that heed proxy variables reach declared hosts through sbox's proxy",
  'host-only': "clients that heed proxy variables reach this machine through sbox's proxy",
} as const;

const portableRest = ({ network }: Shape): Property[] => [
  network.mode === 'full'
    ? openNetwork
    : property('network', 'advisory', `${portableWay[network.mode]}; a client that ignores them reaches everything`),
  property('sockets', 'open', "every unix socket of the user's can be connected to"),
  property('process', 'open', 'processes of the user can be seen, signalled and traced; a daemon outlives the run'),
  property('tty', 'open', 'input can be pushed into the terminal'),
];

/** Without a PID namespace an ordinary user's processes can be reniced (setpriority(2)); root's have capabilities that the command lacks. */
const landlockProcess = (safe: boolean): string =>
  safe
    ? "/proc shows outsiders' names and command lines; they can't be traced or signalled"
    : "/proc shows outsiders' names and command lines, and their priorities can be changed; they can't be traced or signalled";

const openNetwork = property('network', 'open', 'mode full: everything that the host reaches');

const planLimits = ({ limits, mechanism, user }: Shape): Property => {
  const counted = mechanism.kind === 'namespaces' || (mechanism.kind === 'landlock' && mechanism.namespaces);
  if (limits.processes === undefined) return property('limits', 'enforced', 'rlimits per process');
  if (user.kernelRoot)
    return property('limits', 'partial', 'rlimits per process; the kernel does not count the processes of uid 0');
  return counted
    ? property('limits', 'enforced', 'rlimits per process')
    : property('limits', 'partial', "rlimits per process; the user's other processes are counted, too");
};
