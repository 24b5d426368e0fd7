import { Filter, seccompData, verdict } from './bpf.ts';
import { AF_INET, AF_INET6, AF_UNIX, PR_SET_DUMPABLE, SOCK_SEQPACKET, SOCK_STREAM } from './constants.ts';
import { type Arch, type SyscallName, syscallNumber } from './numbers.ts';
import { pathCalls } from './path-calls.ts';

export interface SeccompOptions {
  /** the command may create user namespaces, and mount inside them */
  readonly userNamespaces: boolean;
  /**
   * `all`: unix, IPv4, IPv6; `brokered`: the same without unix datagrams, which need no connect(2) that a broker could decide on;
   * `internet`: without unix sockets but socketpair(2); `none`: that alone; routing netlink always
   */
  readonly sockets: 'all' | 'brokered' | 'internet' | 'none';
  /** whether System V IPC and POSIX message queues are in a namespace of the run's own; else there are none */
  readonly ownIpc: boolean;
  /** whether the run has a PID namespace; else the limits of other processes can't be set, which would end them */
  readonly ownPids: boolean;
}

const EPERM = 1;
const ENOSYS = 38;
const EOPNOTSUPP = 95;
const EAFNOSUPPORT = 97;
const EPROTONOSUPPORT = 93;

/** AUDIT_ARCH_* (linux/audit.h). */
const auditArch: Record<Arch, number> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** x32 calls carry this bit in their number. */
const x32Bit = 0x4000_0000;

/** Calls that no command inside needs and that reach the kernel's keys, tracing, modules, clocks or other processes. */
const refused: readonly SyscallName[] = [
  'add_key',
  'request_key',
  'keyctl',
  'bpf',
  'perf_event_open',
  'userfaultfd',
  'lookup_dcookie',
  'fanotify_init',
  'kcmp',
  'kexec_load',
  'kexec_file_load',
  'init_module',
  'finit_module',
  'delete_module',
  'swapon',
  'swapoff',
  'quotactl',
  'quotactl_fd',
  'reboot',
  'acct',
  'nfsservctl',
  'syslog',
  'vhangup',
  'settimeofday',
  'clock_settime',
  'iopl',
  'ioperm',
  'open_by_handle_at',
  'move_pages',
  'migrate_pages',
];

const mountFamily: readonly SyscallName[] = [
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
];

/** Absent rather than forbidden: programs fall back to the older call, whose arguments a filter can read. */
const absent: readonly SyscallName[] = ['io_uring_setup', 'io_uring_enter', 'io_uring_register'];

/** CLONE_NEWTIME | NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET (clone(2)). */
const namespaceFlags =
  0x80 | 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;
/** CLONE_NEWTIME shares its bit with the exit signal of clone(2), so it counts for unshare(2) only. */
const cloneNamespaceFlags = namespaceFlags & ~0x80;

/** Requests that push bytes into a terminal's input, and the Linux console's multiplexer (ioctl_tty(2)). */
const refusedRequests = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c } as const;

const internetFamilies = [AF_INET, AF_INET6] as const;
/** AF_VSOCK and AF_ALG, for two, know no network namespace. */
const socketFamilies: Record<SeccompOptions['sockets'], readonly number[]> = {
  all: [AF_UNIX, ...internetFamilies],
  brokered: [AF_UNIX, ...internetFamilies],
  internet: internetFamilies,
  none: [],
};
/** Only its protocol for addresses and routes, which getifaddrs(3) needs; others tell of the host's sockets or reach its programs. */
const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;
/** A socket of such a pair stays connected to the other; one alone must connect(2) before it can send. */
const connectedTypes = [SOCK_STREAM, SOCK_SEQPACKET] as const;
/** The bits of a socket's type beside its flags. */
const socketTypeMask = 0xf;
/** TCP Fast Open: connects without connect(2) (tcp(7)). */
const MSG_FASTOPEN = 0x2000_0000;
/** Calls that take it, with the place of their flags. */
const fastOpens = [
  ['sendto', 3],
  ['sendmsg', 2],
  ['sendmmsg', 3],
] as const;

const ipcFamily: readonly SyscallName[] = [
  'shmget',
  'shmat',
  'shmdt',
  'shmctl',
  'semget',
  'semop',
  'semtimedop',
  'semctl',
  'msgget',
  'msgsnd',
  'msgrcv',
  'msgctl',
  'mq_open',
  'mq_unlink',
];

/**
 * The filter of the kernel rungs: whatever it does not name is allowed; other ABIs end the process (seccomp(2)).
 * It is the second line behind absent capabilities, and the first for TIOCSTI, io_uring and odd socket families.
 */
export const renderSeccompFilter = (arch: Arch, options: SeccompOptions): Buffer => {
  const filter = new Filter();
  filter.load(seccompData.arch);
  filter.returnIf('equal', auditArch[arch], verdict.killProcess, true);
  filter.load(seccompData.number);
  if (arch === 'x64') filter.returnIf('atLeast', x32Bit, verdict.errno(ENOSYS));
  refuse(filter, arch, refused, EPERM);
  refuse(filter, arch, absent, ENOSYS);
  if (!options.userNamespaces) refuseNamespaces(filter, arch);
  whenCalled(filter, arch, 'ioctl', 1, () => {
    for (const request of Object.values(refusedRequests)) filter.returnIf('equal', request, verdict.errno(EPERM));
  });
  for (const [call, flags] of fastOpens) {
    whenCalled(filter, arch, call, flags, () => filter.returnIf('anySet', MSG_FASTOPEN, verdict.errno(EOPNOTSUPP)));
  }
  whenCalled(filter, arch, 'socket', 0, () => {
    if (options.sockets === 'brokered') {
      filter.when(AF_UNIX, () => allowConnectedTypes(filter));
    }
    for (const family of socketFamilies[options.sockets]) filter.returnIf('equal', family, verdict.allow);
    filter.returnIf('equal', AF_NETLINK, verdict.errno(EAFNOSUPPORT), true);
    filter.load(seccompData.low(2));
    filter.returnIf('equal', NETLINK_ROUTE, verdict.allow);
    filter.return(verdict.errno(EPROTONOSUPPORT));
  });
  whenCalled(filter, arch, 'socketpair', 0, () => {
    filter.returnIf('equal', AF_UNIX, verdict.errno(EAFNOSUPPORT), true);
    if (options.sockets === 'all') return;
    allowConnectedTypes(filter);
  });
  if (!options.ownIpc) refuse(filter, arch, ipcFamily, EPERM);
  if (!options.ownPids) {
    whenCalled(filter, arch, 'prlimit64', 0, () => filter.returnIf('equal', 0, verdict.errno(EPERM), true));
  }
  filter.return(verdict.allow);
  return filter.render();
};

/** What is handed to a broker (seccomp_unotify(2)). */
export interface Traps {
  /** connect(2) */
  readonly connections: boolean;
  /** where no network namespace confines sockets: what makes one, or makes a server of it */
  readonly sockets: boolean;
  /** every call that takes a path */
  readonly paths: boolean;
}

export const renderTrapFilter = (arch: Arch, traps: Traps): Buffer => {
  const filter = new Filter();
  filter.load(seccompData.number);
  if (traps.connections) filter.returnIf('equal', syscallNumber(arch, 'connect') ?? 0, verdict.notify);
  // a unix socket is bound to a path, too
  if (traps.paths && !traps.sockets) filter.returnIf('equal', syscallNumber(arch, 'bind') ?? 0, verdict.notify);
  if (traps.paths) {
    for (const number of pathCalls(arch).keys()) filter.returnIf('equal', number, verdict.notify);
    stayDumpable(filter, arch);
  }
  if (traps.sockets) {
    for (const call of ['bind', 'listen'] as const)
      filter.returnIf('equal', syscallNumber(arch, call) ?? 0, verdict.notify);
    whenCalled(filter, arch, 'socket', 0, () => {
      for (const family of internetFamilies) filter.returnIf('equal', family, verdict.notify);
    });
  }
  filter.return(verdict.allow);
  return filter.render();
};

/**
 * Succeeds without doing what it says: the memory of a process that is not dumpable, and so its paths, can't be read (ptrace(2)). It would
 * keep out nobody but the run's own processes and the operator's.
 */
const stayDumpable = (filter: Filter, arch: Arch): void =>
  whenCalled(filter, arch, 'prctl', 0, () =>
    filter.when(PR_SET_DUMPABLE, () => {
      filter.load(seccompData.low(1));
      filter.returnIf('equal', 0, verdict.errno(0));
    }),
  );

const refuse = (filter: Filter, arch: Arch, names: readonly SyscallName[], errno: number): void => {
  for (const name of names) {
    const number = syscallNumber(arch, name);
    if (number !== undefined) filter.returnIf('equal', number, verdict.errno(errno));
  }
};

/** Not datagrams: such a unix socket (SOCK_RAW makes one, too), also one of a pair, can send to any unix address. */
const allowConnectedTypes = (filter: Filter): void => {
  filter.load(seccompData.low(1));
  filter.and(socketTypeMask);
  for (const type of connectedTypes) filter.returnIf('equal', type, verdict.allow);
  filter.return(verdict.errno(EPERM));
};

const refuseNamespaces = (filter: Filter, arch: Arch): void => {
  refuse(filter, arch, mountFamily, EPERM);
  refuse(filter, arch, ['clone3'], ENOSYS); // its flags lie in memory, where a filter can't look
  whenCalled(filter, arch, 'clone', 0, () => filter.returnIf('anySet', cloneNamespaceFlags, verdict.errno(EPERM)));
  whenCalled(filter, arch, 'unshare', 0, () => filter.returnIf('anySet', namespaceFlags, verdict.errno(EPERM)));
};

/** Appends tests of one argument's low half for one call; the call is allowed if none of them answers. */
const whenCalled = (filter: Filter, arch: Arch, name: SyscallName, argument: number, build: () => void): void => {
  const number = syscallNumber(arch, name);
  if (number === undefined) return;
  filter.when(number, () => {
    filter.load(seccompData.low(argument));
    build();
    filter.return(verdict.allow);
  });
};
