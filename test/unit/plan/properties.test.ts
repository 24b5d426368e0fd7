import { describe, expect, test } from 'vitest';
import { bareNetwork } from '../../../src/domain/network.ts';
import type { Mechanism, Plan } from '../../../src/domain/plan.ts';
import { propertyNames } from '../../../src/domain/property.ts';
import { planProperties } from '../../../src/plan/properties.ts';
import { capabilities, facts, protecting } from '../../support/plan-builders.ts';

interface Question {
  readonly mechanism: Mechanism;
  readonly mode?: Plan['network']['mode'];
  readonly landlockAbi?: number;
  readonly kernelRoot?: boolean;
  readonly processes?: number;
  readonly broker?: boolean;
  readonly hidePaths?: boolean;
  /** whether the workspace has a protected path */
  readonly holdsProtected?: boolean;
}

/** Each property as `name status: why`. */
const properties = ({
  mechanism,
  mode = 'none',
  landlockAbi = 7,
  kernelRoot = false,
  processes,
  broker = false,
  hidePaths = false,
  holdsProtected,
}: Question) =>
  planProperties(
    {
      mechanism,
      network: bareNetwork(mode),
      limits: processes === undefined ? {} : { processes },
      user: { uid: kernelRoot ? 0 : 1000, gid: 1000, kernelRoot },
      userNamespaces: false,
      broker,
      hidePaths,
    },
    facts({
      capabilities: capabilities({ landlockAbi }),
      ...(holdsProtected && { protectedPaths: protecting([{ path: 'sbox.json', kind: 'file' }]) }),
    }),
  ).map(({ name, status, why }) => `${name} ${status}: ${why}`);

const everywhere = [
  "home enforced: the sandbox's own directory",
  'env enforced: an allowlist',
  'path enforced: visible directories only',
];
const tty = 'tty enforced: TIOCSTI and TIOCLINUX are refused';
const limits = 'limits enforced: rlimits per process';
const openNetwork = 'network open: mode full: everything that the host reaches';
const brokeredSockets = 'sockets enforced: unix sockets that were not made inside are refused';
const shownProcesses = "/proc shows outsiders' names and command lines; they can't be traced or signalled";

describe('the namespaces rung', () => {
  const namespaces = (variant: Partial<Extract<Mechanism, { kind: 'namespaces' }>> = {}): Mechanism => ({
    kind: 'namespaces',
    root: 'pivot',
    proc: 'fresh',
    ...variant,
  });
  const files = [
    'hide enforced: the root holds declared mounts only',
    'read enforced: nothing else is mounted',
    'write enforced: read-only mounts, but for named pipes in them; the rest is private',
    ...everywhere,
    tty,
  ];
  const ownNetwork = 'network enforced: a network namespace of its own with loopback only';
  const mountedSockets = 'sockets partial: a unix socket that lies in a declared mount can be connected to';
  const ownProcesses = 'process enforced: a PID namespace of its own, ended with the run';

  test.each<[string, Question, readonly string[]]>([
    ['whole', { mechanism: namespaces() }, [ownNetwork, mountedSockets, ownProcesses]],
    ['entered by chroot', { mechanism: namespaces({ root: 'chroot' }) }, [ownNetwork, mountedSockets, ownProcesses]],
    [
      "with the host's /proc",
      { mechanism: namespaces({ proc: 'host' }) },
      [ownNetwork, mountedSockets, `process partial: ${shownProcesses}`],
    ],
    [
      'with an allowlist that reaches nothing yet',
      { mechanism: namespaces(), mode: 'limited' },
      [ownNetwork, mountedSockets, ownProcesses],
    ],
    [
      'with brokers that let nothing out',
      { mechanism: namespaces(), broker: true },
      [ownNetwork, brokeredSockets, ownProcesses],
    ],
    [
      'with brokers and an allowlist',
      { mechanism: namespaces(), mode: 'limited', broker: true },
      [`${ownNetwork}; declared hosts through sbox's proxy`, brokeredSockets, ownProcesses],
    ],
    [
      'with brokers and this machine',
      { mechanism: namespaces(), mode: 'host-only', broker: true },
      [`${ownNetwork}; addresses of this machine through sbox's proxy`, brokeredSockets, ownProcesses],
    ],
    ['without Landlock', { mechanism: namespaces(), landlockAbi: 0 }, [ownNetwork, mountedSockets, ownProcesses]],
    [
      "on the host's network",
      { mechanism: namespaces(), mode: 'full', landlockAbi: 6 },
      [openNetwork, mountedSockets, ownProcesses],
    ],
    [
      "on the host's network, with a Landlock that has no scopes",
      { mechanism: namespaces(), mode: 'full', landlockAbi: 5 },
      [
        openNetwork,
        "sockets open: mode full shares the host's abstract sockets, and Landlock ABI 6 is missing",
        ownProcesses,
      ],
    ],
  ])('%s', (_, question, rest) => {
    expect(properties(question)).toEqual([...files, ...rest, limits]);
  });

  test('protects what it is told to protect', () => {
    expect(properties({ mechanism: namespaces(), holdsProtected: true }).slice(0, files.length)).toEqual(files);
  });
});

describe('the landlock rung', () => {
  const landlock = (abi: number, namespaces: boolean): Mechanism => ({ kind: 'landlock', abi, namespaces });
  const changed = 'modes, owners, times and extended attributes of files that you own can be changed';
  const files = (write = `write partial: ${changed}`) => [
    "hide partial: undeclared paths can't be opened, but that they exist shows to stat, readlink and inotify",
    'read enforced: Landlock refuses to open what was not declared',
    write,
    ...everywhere,
    tty,
  ];
  const ownNetwork = 'network enforced: a network namespace of its own with loopback only';
  const noNetwork = 'network enforced: no internet sockets, not even for loopback';
  const sockets = 'sockets enforced: no unix sockets but socketpair';
  const contained = `process partial: ${shownProcesses}`;
  const priorities =
    "process partial: /proc shows outsiders' names and command lines, and their priorities can be changed; they can't be traced or signalled";
  const outliving =
    'process partial: processes of the same user can be seen and signalled, and a daemon outlives the run (Landlock ABI 6 is missing)';

  test.each<[number, boolean, Question['mode'], readonly string[]]>([
    [7, true, 'none', [ownNetwork, sockets, contained]],
    [7, false, 'none', [noNetwork, sockets, priorities]],
    [7, true, 'full', [openNetwork, sockets, contained]],
    [7, false, 'full', [openNetwork, sockets, priorities]],
    [6, false, 'limited', [noNetwork, sockets, priorities]],
    [5, true, 'none', [ownNetwork, sockets, contained]],
    [5, false, 'none', [noNetwork, sockets, outliving]],
    [3, false, 'full', [openNetwork, sockets, outliving]],
  ])('of version %s, with namespaces beside it: %s, network %s', (abi, namespaces, mode = 'none', rest) => {
    expect(properties({ mechanism: landlock(abi, namespaces), mode })).toEqual([...files(), ...rest, limits]);
  });

  const confined = 'network enforced: sockets are bound to loopback, where those made inside alone can be reached';
  test.each<[boolean, Question['mode'], string]>([
    [true, 'none', ownNetwork],
    [true, 'limited', `${ownNetwork}; declared hosts through sbox's proxy`],
    [false, 'none', confined],
    [false, 'limited', `${confined}; declared hosts through sbox's proxy`],
    [false, 'host-only', `${confined}; addresses of this machine through sbox's proxy`],
  ])('with brokers, namespaces: %s, network %s', (namespaces, mode = 'none', network) => {
    const rest = [network, brokeredSockets, namespaces ? contained : priorities];
    expect(properties({ mechanism: landlock(7, namespaces), mode, broker: true })).toEqual([
      ...files(),
      ...rest,
      limits,
    ]);
  });

  test.each([
    [1, true, `write partial: ${changed}; such files can be truncated (Landlock ABI 3 is missing)`],
    [2, false, `write partial: ${changed}; such files can be truncated (Landlock ABI 3 is missing)`],
    [3, false, `write partial: ${changed}`],
  ])('of version %s says what can be changed', (abi, namespaces, write) => {
    expect(properties({ mechanism: landlock(abi, namespaces) }).slice(0, 7)).toEqual(files(write));
  });

  test('says that strict hiding leaves an oracle and a race', () => {
    expect(properties({ mechanism: landlock(7, true), broker: true, hidePaths: true }).slice(0, 7)).toEqual([
      'hide partial: undeclared paths are absent, but a program that names one as its interpreter, or a thread that changes the path during the call, can learn that it exists; mount points are in /proc',
      ...files(
        'write partial: attributes of declared files that you own can be changed, and of others by a thread that exchanges the path during the call',
      ).slice(1),
    ]);
  });

  test('says that it can not protect paths within a writable one', () => {
    expect(properties({ mechanism: landlock(7, true), holdsProtected: true }).slice(0, 7)).toEqual(
      files(`write partial: ${changed}; protected paths can be changed, and are reported if they were`),
    );
  });
});

describe('the portable rung', () => {
  const files = [
    "hide advisory: HOME, TMPDIR and PATH are the sandbox's, everything else is there",
    'read advisory: nothing refuses to open a file that the user may open',
    'write advisory: nothing refuses to change a file that the user may change',
    ...everywhere,
  ];
  const rest = [
    "sockets open: every unix socket of the user's can be connected to",
    'process open: processes of the user can be seen, signalled and traced; a daemon outlives the run',
    'tty open: input can be pushed into the terminal',
    limits,
  ];
  const ignored = 'a client that ignores them reaches everything';
  const heeded = "clients that heed proxy variables reach declared hosts through sbox's proxy";

  test.each([
    ['none', `network advisory: proxy variables lead nowhere; ${ignored}`],
    ['limited', `network advisory: ${heeded}; ${ignored}`],
    ['full', openNetwork],
  ] as const)('with network %s', (mode, network) => {
    expect(properties({ mechanism: { kind: 'portable' }, mode })).toEqual([...files, network, ...rest]);
  });
});

const mechanisms: readonly Mechanism[] = [
  { kind: 'namespaces', root: 'pivot', proc: 'fresh' },
  { kind: 'landlock', abi: 7, namespaces: true },
  { kind: 'landlock', abi: 7, namespaces: false },
  { kind: 'portable' },
];

test.each(mechanisms)('every property has one status on $kind', (mechanism) => {
  const names = properties({ mechanism }).map((line) => line.slice(0, line.indexOf(' ')));
  expect(names.sort()).toEqual([...propertyNames].sort());
});

test.each(mechanisms)('the kernel does not count the processes of uid 0, on $kind too', (mechanism) => {
  const limitsOf = (question: Partial<Question>) => properties({ mechanism, ...question }).at(-1);
  const uncounted = 'limits partial: rlimits per process; the kernel does not count the processes of uid 0';
  expect(limitsOf({ kernelRoot: true, processes: 5 })).toBe(uncounted);
  expect(limitsOf({ kernelRoot: true })).toBe(limits);
  expect(limitsOf({})).toBe(limits);
});

test.each(mechanisms)("where no namespace is the run's own, all processes of the user count: $kind", (mechanism) => {
  const own = mechanism.kind === 'namespaces' || (mechanism.kind === 'landlock' && mechanism.namespaces);
  const shared = "limits partial: rlimits per process; the user's other processes are counted, too";
  expect(properties({ mechanism, processes: 5 }).at(-1)).toBe(own ? limits : shared);
});
