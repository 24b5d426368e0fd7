import { describe, expect, test } from 'vitest';
import { type Arch, archs, type SyscallName, syscallNumber } from '../../../src/syscall/numbers.ts';
import { pathCalls } from '../../../src/syscall/path-calls.ts';
import {
  renderSeccompFilter,
  renderTrapFilter,
  type SeccompOptions,
  type Traps,
} from '../../../src/syscall/seccomp.ts';
import { describeVerdict, evaluateFilter } from '../../support/bpf.ts';
import { syscallNames } from '../../support/syscall-names.ts';

const auditArch: Record<Arch, number> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
const garbage = 0xdead_beef_0000_0000n;

interface Sample {
  readonly name: SyscallName;
  readonly args?: readonly (number | bigint)[];
}

/** What the namespaces rung asks for, with these changes. */
const options = (changes: Partial<SeccompOptions> = {}): SeccompOptions => ({
  userNamespaces: false,
  sockets: 'all',
  ownIpc: true,
  ownPids: true,
  ...changes,
});
const allowingNamespaces = options({ userNamespaces: true });
const everyOption = [true, false].flatMap((userNamespaces) =>
  (['all', 'brokered', 'internet', 'none'] as const).flatMap((sockets) =>
    [true, false].flatMap((ownIpc) =>
      [true, false].map((ownPids): SeccompOptions => ({ userNamespaces, sockets, ownIpc, ownPids })),
    ),
  ),
);

const answer = (arch: Arch, { name, args = [] }: Sample, asked = options()): string => {
  const number = syscallNumber(arch, name);
  if (number === undefined) return 'no such call';
  return answerNumber(arch, number, args, asked);
};

const answerNumber = (arch: Arch, number: number, args: readonly (number | bigint)[] = [], asked = options()): string =>
  describeVerdict(evaluateFilter(renderSeccompFilter(arch, asked), { arch: auditArch[arch], number, args }));

const ipcCalls = [
  ...(['shmget', 'shmat', 'shmdt', 'shmctl', 'semget', 'semop', 'semtimedop', 'semctl'] as const),
  ...(['msgget', 'msgsnd', 'msgrcv', 'msgctl', 'mq_open', 'mq_unlink'] as const),
];

const EPERM = 'errno 1';
const ENOSYS = 'errno 38';
const EAFNOSUPPORT = 'errno 97';

describe.each(archs)('%s', (arch) => {
  test.each<[string, Sample, string]>([
    ['TIOCSTI', { name: 'ioctl', args: [0, 0x5412] }, EPERM],
    ['TIOCSTI with high bits set', { name: 'ioctl', args: [0, garbage | 0x5412n] }, EPERM],
    ['TIOCSTI with all high bits set', { name: 'ioctl', args: [0, 0xffff_ffff_0000_5412n] }, EPERM],
    ['TIOCLINUX', { name: 'ioctl', args: [2, 0x541c] }, EPERM],
    ['TIOCLINUX with high bits set', { name: 'ioctl', args: [2, garbage | 0x541cn] }, EPERM],
    ['TCGETS', { name: 'ioctl', args: [0, 0x5401] }, 'allow'],
    ['TIOCSPGRP', { name: 'ioctl', args: [0, 0x5410] }, 'allow'],
    ['TIOCSTI as a descriptor', { name: 'ioctl', args: [0x5412, 0x5401] }, 'allow'],
  ])('ioctl %s', (_, sample, expected) => {
    expect(answer(arch, sample)).toBe(expected);
    expect(answer(arch, sample, allowingNamespaces)).toBe(expected);
  });

  test.each([
    ['AF_UNIX', 1, 'allow'],
    ['AF_INET', 2, 'allow'],
    ['AF_INET6', 10, 'allow'],
    ['AF_NETLINK', 16, 'allow'],
    ['AF_INET with high bits set', garbage | 2n, 'allow'],
    ['AF_UNSPEC', 0, EAFNOSUPPORT],
    ['AF_AX25', 3, EAFNOSUPPORT],
    ['AF_KEY', 15, EAFNOSUPPORT],
    ['AF_PACKET', 17, EAFNOSUPPORT],
    ['AF_PACKET with high bits set', garbage | 17n, EAFNOSUPPORT],
    ['AF_RDS', 21, EAFNOSUPPORT],
    ['AF_CAN', 29, EAFNOSUPPORT],
    ['AF_TIPC', 30, EAFNOSUPPORT],
    ['AF_BLUETOOTH', 31, EAFNOSUPPORT],
    ['AF_ALG', 38, EAFNOSUPPORT],
    ['AF_VSOCK', 40, EAFNOSUPPORT],
    ['AF_XDP', 44, EAFNOSUPPORT],
    ['a family that is -1', -1, EAFNOSUPPORT],
  ])('socket of %s', (_, family, expected) => {
    expect(answer(arch, { name: 'socket', args: [family, 1, 0] })).toBe(expected);
    expect(answer(arch, { name: 'socket', args: [family, 1, 0] }, allowingNamespaces)).toBe(expected);
  });

  const newNamespaces: [string, number][] = [
    ['CLONE_NEWNS', 0x0002_0000],
    ['CLONE_NEWCGROUP', 0x0200_0000],
    ['CLONE_NEWUTS', 0x0400_0000],
    ['CLONE_NEWIPC', 0x0800_0000],
    ['CLONE_NEWUSER', 0x1000_0000],
    ['CLONE_NEWPID', 0x2000_0000],
    ['CLONE_NEWNET', 0x4000_0000],
  ];

  test.each(newNamespaces)('%s is refused to clone and unshare, unless user namespaces are allowed', (_, flag) => {
    for (const name of ['clone', 'unshare'] as const) {
      for (const flags of [flag, flag | 17, garbage | BigInt(flag)]) {
        expect(answer(arch, { name, args: [flags] })).toBe(EPERM);
        expect(answer(arch, { name, args: [flags] }, allowingNamespaces)).toBe('allow');
      }
    }
  });

  test('CLONE_NEWTIME is refused to unshare; in clone that bit belongs to the exit signal', () => {
    expect(answer(arch, { name: 'unshare', args: [0x80] })).toBe(EPERM);
    expect(answer(arch, { name: 'clone', args: [0x80] })).toBe('allow');
  });

  test.each([
    ['fork', 0x11],
    ['a thread as the C library starts it', 0x003d_0f00],
    ['vfork', 0x4111],
    ['fork with garbage in the high half', garbage | 0x11n],
  ])('clone for %s is allowed', (_, flags) => {
    expect(answer(arch, { name: 'clone', args: [flags] })).toBe('allow');
  });

  test('unshare of what is no namespace is allowed', () => {
    expect(answer(arch, { name: 'unshare', args: [0x400] })).toBe('allow'); // CLONE_FILES
  });

  test('clone3 is absent, so that programs fall back to clone, unless user namespaces are allowed', () => {
    expect(answer(arch, { name: 'clone3' })).toBe(ENOSYS);
    expect(answer(arch, { name: 'clone3' }, allowingNamespaces)).toBe('allow');
  });

  test.each(['io_uring_setup', 'io_uring_enter', 'io_uring_register'] as const)('%s is absent', (name) => {
    expect(answer(arch, { name })).toBe(ENOSYS);
    expect(answer(arch, { name }, allowingNamespaces)).toBe(ENOSYS);
  });

  test.each([
    'mount',
    'umount2',
    'pivot_root',
    'chroot',
    'setns',
    'open_tree',
    'open_tree_attr',
    'move_mount',
    'fsopen',
    'fsconfig',
    'fsmount',
    'fspick',
    'mount_setattr',
  ] as const)('%s is refused, unless user namespaces are allowed', (name) => {
    expect(answer(arch, { name })).toBe(EPERM);
    expect(answer(arch, { name }, allowingNamespaces)).toBe('allow');
  });

  test('what is always refused is refused with user namespaces too, and nothing else is', () => {
    const refused = syscallNames.filter((name) => answer(arch, { name }, allowingNamespaces) === EPERM);
    const expected = [
      ...['acct', 'add_key', 'bpf', 'clock_settime', 'delete_module', 'fanotify_init', 'finit_module', 'init_module'],
      ...['ioperm', 'iopl', 'kcmp', 'kexec_file_load', 'kexec_load', 'keyctl', 'lookup_dcookie', 'migrate_pages'],
      ...['move_pages', 'nfsservctl', 'open_by_handle_at', 'perf_event_open', 'quotactl', 'quotactl_fd', 'reboot'],
      ...['request_key', 'settimeofday', 'swapoff', 'swapon', 'syslog', 'userfaultfd', 'vhangup'],
    ].filter((name) => arch === 'x64' || (name !== 'iopl' && name !== 'ioperm'));
    expect(refused).toEqual(expected);
    expect(syscallNames.filter((name) => answer(arch, { name }) === EPERM)).toEqual(expect.arrayContaining(expected));
  });

  test.each(['read', 'write', 'execve', 'openat', 'openat2', 'kill', 'wait4', 'prctl', 'seccomp'] as const)(
    '%s is allowed',
    (name) => expect(answer(arch, { name })).toBe('allow'),
  );

  test('a call that no one has heard of is allowed', () => {
    expect(answerNumber(arch, 1000)).toBe('allow');
  });

  test.each([
    ['the other one', auditArch[arch === 'x64' ? 'arm64' : 'x64']],
    ['i386', 0x4000_0003],
    ['arm', 0x4000_0028],
    ['none', 0],
  ])('a call of another architecture ends the process: %s', (_, foreign) => {
    for (const asked of everyOption) {
      const filter = renderSeccompFilter(arch, asked);
      for (const number of [0, 1, 54, 1000]) {
        expect(describeVerdict(evaluateFilter(filter, { arch: foreign, number }))).toBe('kill process');
      }
    }
  });

  test.each<[string, number | bigint, string, string]>([
    ['AF_UNIX', 1, EAFNOSUPPORT, EAFNOSUPPORT],
    ['AF_UNIX with high bits set', garbage | 1n, EAFNOSUPPORT, EAFNOSUPPORT],
    ['AF_INET', 2, 'allow', EAFNOSUPPORT],
    ['AF_INET6', 10, 'allow', EAFNOSUPPORT],
    ['AF_NETLINK', 16, 'allow', 'allow'],
    ['AF_NETLINK with high bits set', garbage | 16n, 'allow', 'allow'],
    ['AF_PACKET', 17, EAFNOSUPPORT, EAFNOSUPPORT],
    ['AF_ALG', 38, EAFNOSUPPORT, EAFNOSUPPORT],
    ['AF_VSOCK', 40, EAFNOSUPPORT, EAFNOSUPPORT],
  ])('a socket of %s, with internet sockets and with none', (_, family, internet, none) => {
    const sample: Sample = { name: 'socket', args: [family, 1, 0] };
    expect(answer(arch, sample, options({ sockets: 'internet' }))).toBe(internet);
    expect(answer(arch, sample, options({ sockets: 'none' }))).toBe(none);
  });

  const SOCK_NONBLOCK = 0o4000;
  const SOCK_CLOEXEC = 0o2000000;
  test.each<[string, number | bigint, string]>([
    ['stream', 1, 'allow'],
    ['stream, with flags', 1 | SOCK_CLOEXEC | SOCK_NONBLOCK, 'allow'],
    ['seqpacket', 5, 'allow'],
    ['seqpacket, with flags', 5 | SOCK_CLOEXEC, 'allow'],
    ['datagram', 2, EPERM],
    ['datagram, close on exec', 2 | SOCK_CLOEXEC, EPERM],
    ['datagram, without waiting', 2 | SOCK_NONBLOCK, EPERM],
    ['datagram, with both', 2 | SOCK_CLOEXEC | SOCK_NONBLOCK, EPERM],
    ['datagram, with high bits set', garbage | 2n, EPERM],
  ])('a pair of %s sockets where unix sockets are refused, for a datagram goes to any address', (_, type, expected) => {
    const sample: Sample = { name: 'socketpair', args: [1, type, 0] };
    for (const sockets of ['brokered', 'internet', 'none'] as const)
      expect(answer(arch, sample, options({ sockets }))).toBe(expected);
    expect(answer(arch, sample)).toBe('allow');
  });

  test.each([3, 3 | SOCK_CLOEXEC])('a pair of raw sockets, type %s, is refused there too', (type) => {
    const sample: Sample = { name: 'socketpair', args: [1, type, 0] };
    for (const sockets of ['brokered', 'internet', 'none'] as const)
      expect(answer(arch, sample, options({ sockets }))).toBe(EPERM);
  });

  test.each<[string, number | bigint, number | bigint, string]>([
    ['a unix stream', 1, 1, 'allow'],
    ['a unix stream, with flags', 1, 1 | SOCK_CLOEXEC | SOCK_NONBLOCK, 'allow'],
    ['unix packets in order', 1, 5 | SOCK_CLOEXEC, 'allow'],
    ['unix datagrams', 1, 2, EPERM],
    ['unix datagrams, with flags', 1, 2 | SOCK_CLOEXEC | SOCK_NONBLOCK, EPERM],
    ['unix datagrams, with high bits set', garbage | 1n, garbage | 2n, EPERM],
    ['unix datagrams by their other name', 1, 3, EPERM],
    ['no unix type at all', 1, 0, EPERM],
    ['unix packets of a type that is none', 1, 4, EPERM],
    ['TCP', 2, 1, 'allow'],
    ['UDP', 2, 2, 'allow'],
    ['TCP over IPv6', 10, 1, 'allow'],
    ['UDP over IPv6, with high bits set', garbage | 10n, garbage | 2n, 'allow'],
    ['routing netlink', 16, 3, 'allow'],
    ['AF_PACKET', 17, 3, EAFNOSUPPORT],
    ['AF_VSOCK', 40, 1, EAFNOSUPPORT],
    ['AF_ALG', 38, 5, EAFNOSUPPORT],
  ])('where brokers decide on connections, a socket for %s', (_, family, type, expected) => {
    expect(answer(arch, { name: 'socket', args: [family, type, 0] }, options({ sockets: 'brokered' }))).toBe(expected);
  });

  test.each([
    ...[1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 14, 15, 16, 18, 19, 20, 21].map((protocol) => [protocol, 'errno 93'] as const),
    [0, 'allow'] as const,
  ])('netlink of protocol %s', (protocol, expected) => {
    for (const asked of everyOption)
      expect(answer(arch, { name: 'socket', args: [16, 3, protocol] }, asked)).toBe(expected);
    expect(answer(arch, { name: 'socket', args: [16, 3, garbage | BigInt(protocol)] })).toBe(expected);
  });

  const EOPNOTSUPP = 'errno 95';
  const MSG_FASTOPEN = 0x2000_0000;
  test.each<[SyscallName, number]>([
    ['sendto', 3],
    ['sendmsg', 2],
    ['sendmmsg', 3],
  ])('%s does not connect: fast open is refused with every option', (name, place) => {
    const sent = (flags: number | bigint): Sample => ({
      name,
      args: [3, 4, 5, 6, 7, 8].map((value, index) => (index === place ? flags : value)),
    });
    for (const asked of everyOption) {
      for (const flags of [MSG_FASTOPEN, MSG_FASTOPEN | 0x4040, garbage | BigInt(MSG_FASTOPEN)])
        expect(answer(arch, sent(flags), asked)).toBe(EOPNOTSUPP);
      // MSG_NOSIGNAL | MSG_DONTWAIT; the bit in another argument; every other bit
      for (const flags of [0x4040, 0, 0xdfff_ffff, garbage]) expect(answer(arch, sent(flags), asked)).toBe('allow');
      const elsewhere = Array.from({ length: 6 }, (_, index) => (index === place ? 0 : MSG_FASTOPEN));
      expect(answer(arch, { name, args: elsewhere }, asked)).toBe('allow');
    }
  });

  test.each<[string, number | bigint, string]>([
    ['AF_UNIX', 1, 'allow'],
    ['AF_UNIX with high bits set', garbage | 1n, 'allow'],
    ['AF_UNSPEC', 0, EAFNOSUPPORT],
    ['AF_INET', 2, EAFNOSUPPORT],
    ['AF_TIPC', 30, EAFNOSUPPORT],
  ])('a pair of sockets of %s', (_, family, expected) => {
    for (const sockets of ['all', 'brokered', 'internet', 'none'] as const)
      expect(answer(arch, { name: 'socketpair', args: [family, 1, 0] }, options({ sockets }))).toBe(expected);
  });

  test.each(ipcCalls)('%s is refused where there is no IPC namespace, and allowed in one', (name) => {
    expect(answer(arch, { name }, options({ ownIpc: false }))).toBe(EPERM);
    expect(answer(arch, { name })).toBe('allow');
  });

  test.each<[string, number | bigint, string]>([
    ['of the caller', 0, 'allow'],
    ['of the caller, with high bits set', garbage, 'allow'],
    ['of another process', 4242, EPERM],
    ['of a negative process id', -1, EPERM],
  ])('where there is no PID namespace, prlimit64 %s', (_, pid, expected) => {
    const sample: Sample = { name: 'prlimit64', args: [pid, 0, 0, 0] };
    expect(answer(arch, sample, options({ ownPids: false }))).toBe(expected);
    expect(answer(arch, sample)).toBe('allow');
  });

  test('fewer sockets, no IPC and the PIDs of the host change nothing else', () => {
    const changed: readonly string[] = ['socket', 'socketpair', 'prlimit64', ...ipcCalls];
    const args = [0x5401, 0x5401, 0x5401]; // TCGETS, and nothing that is a family or a flag of namespaces
    const verdicts = (asked: SeccompOptions) =>
      syscallNames.filter((name) => !changed.includes(name)).map((name) => [name, answer(arch, { name, args }, asked)]);
    expect(verdicts(options({ sockets: 'none', ownIpc: false, ownPids: false }))).toEqual(verdicts(options()));
  });

  const trapped = (name: SyscallName, traps: Partial<Traps>, args: readonly (number | bigint)[] = []) => {
    const number = syscallNumber(arch, name);
    if (number === undefined) return 'no such call';
    const filter = renderTrapFilter(arch, { connections: true, sockets: false, paths: false, ...traps });
    return describeVerdict(evaluateFilter(filter, { arch: auditArch[arch], number, args }));
  };
  const allTrapped = (traps: Partial<Traps>) =>
    syscallNames.filter((name) => trapped(name, traps, [2, 1, 0]) === 'notify').sort();

  test('connect is handed over whatever its arguments are, and nothing else where the sockets are confined', () => {
    for (const args of [[], [0, 0, 0], [-1, garbage, 128], [3, 0x7fff_0000_0000n, 16]])
      for (const sockets of [true, false]) expect(trapped('connect', { sockets }, args)).toBe('notify');
    expect(allTrapped({})).toEqual(['connect']);
  });

  test('where they are not, so is what makes a socket of the internet, or a server', () => {
    expect(allTrapped({ sockets: true })).toEqual(['bind', 'connect', 'listen', 'socket']);
  });

  test('paths alone are handed over where connections are free', () => {
    const paths = [...pathCalls(arch).keys()];
    const names = syscallNames.filter((name) => paths.includes(syscallNumber(arch, name) ?? -1));
    expect(allTrapped({ connections: false, paths: true })).toEqual([...names, 'bind'].sort());
    expect(names).toEqual(expect.arrayContaining(['execve', 'newfstatat', 'openat', 'readlinkat']));
    expect(allTrapped({ connections: false })).toEqual([]);
  });

  test.each<[string, readonly (number | bigint)[], string]>([
    ['PR_SET_DUMPABLE to 0', [4, 0], 'errno 0'],
    ['PR_SET_DUMPABLE to 0, with high bits set', [garbage | 4n, 0], 'errno 0'],
    ['PR_SET_DUMPABLE to 1', [4, 1], 'allow'],
    ['PR_GET_DUMPABLE', [3, 0], 'allow'],
    ['another prctl with 0', [1, 0], 'allow'],
  ])('where paths are read, %s keeps the memory readable that they lie in', (_, args, expected) => {
    expect(trapped('prctl', { paths: true }, args)).toBe(expected);
    expect(trapped('prctl', { sockets: true }, args)).toBe('allow');
  });

  test.each<[string, number | bigint, string]>([
    ['AF_INET', 2, 'notify'],
    ['AF_INET with high bits set', garbage | 2n, 'notify'],
    ['AF_INET6', 10, 'notify'],
    ['AF_UNIX', 1, 'allow'],
    ['AF_NETLINK', 16, 'allow'],
  ])('socket of %s there', (_, family, expected) => {
    for (const type of [1, 2, 3, 0o2000001])
      expect(trapped('socket', { sockets: true }, [family, type, 0])).toBe(expected);
    expect(trapped('socket', {}, [family, 1, 0])).toBe('allow');
  });

  test('what is handed over is refused by no other filter, so that the answer is the decision', () => {
    for (const asked of everyOption)
      for (const name of ['connect', 'bind', 'listen'] as const)
        expect(answer(arch, { name, args: [3, 0x1000, 16] }, asked)).toBe('allow');
  });

  test('the filter is as long as the kernel takes', () => {
    for (const asked of everyOption) expect(renderSeccompFilter(arch, asked).length / 8).toBeLessThanOrEqual(4096);
  });
});

test.each([
  ['read', 0],
  ['ioctl', 16],
  ['ioctl of the x32 table', 514],
  ['keyctl', 250],
])('the x32 call %s is absent', (_, number) => {
  expect(answerNumber('x64', 0x4000_0000 | number, [0, 0x5412])).toBe(ENOSYS);
});

test('a number with the top bit set is an x32 number too', () => {
  expect(answerNumber('x64', -1)).toBe(ENOSYS);
});

describe('the evaluator itself', () => {
  test('refuses a filter that runs past its end', () => {
    const load = Buffer.from('2000000000000000', 'hex');
    expect(() => evaluateFilter(load, { arch: 0, number: 0 })).toThrow('runs past its end');
  });

  test('refuses what no filter of sbox uses', () => {
    expect(() => evaluateFilter(Buffer.from('ffff000000000000', 'hex'), { arch: 0, number: 0 })).toThrow('unknown');
  });
});
