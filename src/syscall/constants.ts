/** Values of the kernel's headers (include/uapi/linux), the same on x86-64 and AArch64 unless a function says otherwise. */

export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;
export const AT_RECURSIVE = 0x8000;

export const O_WRONLY = 1;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_CLOEXEC = 0o2000000;
/** mknod(2) */
export const S_IFREG = 0o100000;

export const O_PATH = 0o10000000;

/** openat2(2) */
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_IN_ROOT = 0x10;

/** clone(2), unshare(2) */
export const CLONE_NEWNS = 0x0002_0000;
export const CLONE_NEWCGROUP = 0x0200_0000;
export const CLONE_NEWUTS = 0x0400_0000;
export const CLONE_NEWIPC = 0x0800_0000;
export const CLONE_NEWUSER = 0x1000_0000;
export const CLONE_NEWPID = 0x2000_0000;
export const CLONE_NEWNET = 0x4000_0000;

/** mount(2), umount2(2) */
export const MS_REC = 0x4000;
export const MS_PRIVATE = 1 << 18;
export const MNT_DETACH = 2;

/** open_tree(2), move_mount(2), mount_setattr(2), fsopen(2) and kin */
export const OPEN_TREE_CLONE = 1;
export const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
export const MOUNT_ATTR_RDONLY = 0x01;
export const MOUNT_ATTR_NOSUID = 0x02;
export const MOUNT_ATTR_NODEV = 0x04;
export const MOUNT_ATTR_NOEXEC = 0x08;
export const FSOPEN_CLOEXEC = 1;
export const FSMOUNT_CLOEXEC = 1;
export const FSCONFIG_SET_FLAG = 0;
export const FSCONFIG_SET_STRING = 1;
export const FSCONFIG_CMD_CREATE = 6;

/** prctl(2) */
export const PR_SET_PDEATHSIG = 1;
export const PR_SET_DUMPABLE = 4;
export const PR_CAPBSET_DROP = 24;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
/** _LINUX_CAPABILITY_VERSION_3 (capset(2)) */
export const CAPABILITY_VERSION = 0x20080522;

/** seccomp(2) */
export const SECCOMP_SET_MODE_FILTER = 1;
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
/** since Linux 5.19: once a call was received, only a deadly signal interrupts it */
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32;
/** seccomp_unotify(2) */
export const SECCOMP_IOCTL_NOTIF_RECV = 0xc050_2100;
export const SECCOMP_IOCTL_NOTIF_SEND = 0xc018_2101;
export const SECCOMP_IOCTL_NOTIF_ADDFD = 0x4018_2103;
export const SECCOMP_ADDFD_FLAG_SETFD = 1;
export const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;

/** landlock(7) */
export const LANDLOCK_CREATE_RULESET_VERSION = 1;

/** signal(7) and rt_sigprocmask(2) */
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGKILL = 9;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGTSTP = 20;
export const SIGTTOU = 22;
export const SIG_BLOCK = 0;
export const SIG_SETMASK = 2;
export const SIGSET_BYTES = 8;

/** wait(2) */
export const WNOHANG = 1;
export const WUNTRACED = 2;

/** statfs(2) */
export const PIPEFS_MAGIC = 0x5049_5045;

/** ioctl_tty(2), netdevice(7), fcntl(2) */
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TIOCGPGRP = 0x540f;
export const TIOCSPGRP = 0x5410;
export const SIOCSIFFLAGS = 0x8914;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_DUPFD = 0;
export const O_NONBLOCK = 0o4000;
export const O_ACCMODE = 3;
export const O_RDWR = 2;
export const FD_CLOEXEC = 1;

/** socket(2), unix(7), ip(7) */
export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_RAW = 3;
export const NETLINK_SOCK_DIAG = 4;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_PEERCRED = 17;
/** since Linux 6.5 */
export const SO_PEERPIDFD = 77;
export const SO_SNDTIMEO = 21;
export const SO = {
  KEEPALIVE: 9,
  OOBINLINE: 10,
  LINGER: 13,
  PASSCRED: 16,
  RCVLOWAT: 18,
  RCVTIMEO: 20,
  SNDTIMEO: 21,
} as const;
export const TCP = { KEEPIDLE: 4, KEEPINTVL: 5, KEEPCNT: 6, USER_TIMEOUT: 18 } as const;
export const SO_BINDTODEVICE = 25;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const SCM_RIGHTS = 1;
/** recv(2), send(2) */
export const MSG_DONTWAIT = 0x40;
export const MSG_WAITALL = 0x100;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** epoll_ctl(2) */
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLLIN = 1;
export const EPOLLHUP = 0x10;

/** mmap(2) */
export const PROT_READ_WRITE = 3;
export const MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;

/** setrlimit(2) */
export const RLIMIT = { FSIZE: 1, DATA: 2, CORE: 4, NPROC: 6, NOFILE: 7 } as const;

/** errno(3) */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  ENOEXEC: 8,
  EAGAIN: 11,
  EACCES: 13,
  EFAULT: 14,
  ENOTDIR: 20,
  EINVAL: 22,
  ENAMETOOLONG: 36,
  ENOTSOCK: 88,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  ENETUNREACH: 101,
  EISCONN: 106,
  ECONNREFUSED: 111,
  EALREADY: 114,
  EINPROGRESS: 115,
} as const;

/** landlock_add_rule(2) */
export const LANDLOCK_RULE_PATH_BENEATH = 1;
/** prctl(2) */
export const PR_SET_CHILD_SUBREAPER = 36;
/** mount(2) */
export const MS_MOVE = 0x2000;
/**
 * A signal that nobody else sends: the word that a process's parent is gone. Of several pending signals rt_sigtimedwait(2) takes the
 * lowest, so this comes before SIGCHLD, however many children end.
 */
export const SIGSTKFLT = 16;
