import { describe, expect, test } from 'vitest';
import { bareNetwork } from '../../../../src/domain/network.ts';
import { planRun } from '../../../../src/plan/plan.ts';
import type { NamespacePlan } from '../../../../src/rungs/namespaces/plan.ts';
import { renderNamespaceProgram } from '../../../../src/rungs/namespaces/program.ts';
import { disassemble } from '../../../support/disassemble.ts';
import { anInvocation, aProfile, facts } from '../../../support/plan-builders.ts';
import { syscallName } from '../../../support/syscall-names.ts';

/** A plan without mounts, of a command with one candidate. */
const aPlan = (changes: Partial<NamespacePlan> = {}): NamespacePlan => ({
  ...planRun(aProfile(), anInvocation(), facts()),
  mechanism: { kind: 'namespaces', root: 'pivot', proc: 'fresh' },
  mounts: [],
  env: { HOME: '/home/ann', PATH: '/usr/bin' },
  command: { argv: ['true', '-x'], candidates: ['/usr/bin/true'] },
  ...changes,
});

const linesOf = (plan: NamespacePlan, landlockAbi = 7): string[] =>
  disassemble(renderNamespaceProgram(plan, { arch: 'x64', landlockAbi, scaffold: '/tmp' }), 'x64');

/** The lines from the first that begins with `from` to the first after it that begins with `to`. */
const part = (lines: readonly string[], from: string, to: string): string[] => {
  const start = lines.findIndex((line) => line.startsWith(from));
  const end = lines.findIndex((line, index) => index > start && line.startsWith(to));
  if (start < 0 || end < 0) throw new Error(`no part from ${from} to ${to}`);
  return lines.slice(start, end + 1);
};

const stages: Readonly<Record<string, readonly string[]>> = {
  'the outer supervisor sets itself apart and starts the inner one': [
    'rt_sigprocmask(0, {-1}, {0}, 8)',
    'close_range(4, 0xffffffff)',
    'fcntl(3, 2, 1)',
    'setpgid()',
    'unshare(0x7e020000)',
    'openat(AT_FDCWD, "/proc/self/setgroups", 0x80001)',
    'write(<openat "/proc/self/setgroups">, "deny", 4)',
    'close(<openat "/proc/self/setgroups">)',
    'openat(AT_FDCWD, "/proc/self/uid_map", 0x80001)',
    'write(<openat "/proc/self/uid_map">, "1000 1000 1", 11)',
    'close(<openat "/proc/self/uid_map">)',
    'openat(AT_FDCWD, "/proc/self/gid_map", 0x80001)',
    'write(<openat "/proc/self/gid_map">, "1000 1000 1", 11)',
    'close(<openat "/proc/self/gid_map">)',
    'prctl(1, 16)',
    'w1 = 3 & -1',
    'ppoll(&w1, 1, {0 0})',
    'go to L1 if <ppoll> = 0',
    'exit_group(1)',
    'L1:',
    'pipe2({0}, 0x80000)',
    'w3 = w2 & 0xffffffff',
    'clone(17)',
    'go to L2 if <clone> = 0',
    'go to L23',
  ],
  'the inner one makes the sandbox, gives up its powers and starts the command': [
    'L2:',
    'close(w4)',
    'prctl(1, 9)',
    'w5 = w3 & -1',
    'ppoll(&w5, 1, {0 0})',
    'go to L3 if <ppoll> = 0',
    'exit_group(1)',
    'L3:',
    'prctl(4)',
    'sethostname("sbox", 4) or ignore',
    'socket(2, 0x80002)',
    'ioctl(<socket>, 0x8914, {0x6f6c})',
    'close(<socket>)',
    'mount(0, "/", 0, 0x44000, 0)',
    'openat2(AT_FDCWD, "/tmp", {0x280000 0 6}, 24)',
    'fsopen("tmpfs", 1)',
    'fsconfig(<fsopen "tmpfs">, 1, "mode", "0755")',
    'fsconfig(<fsopen "tmpfs">, 1, "size", "16m")',
    'fsconfig(<fsopen "tmpfs">, 6, 0, 0)',
    'fsmount(<fsopen "tmpfs">, 1, 6)',
    'close(<fsopen "tmpfs">)',
    'move_mount(<fsmount>, "", AT_FDCWD, "/tmp", 4)',
    'mount_setattr(<fsmount>, "", 4096, {1 0 0 0}, 32)',
    'fchdir(<fsmount>)',
    'pivot_root(".", ".")',
    'umount2(".", 2)',
    'chdir("/home/ann/work")',
    'prlimit64(0, 4, {0 0})',
    'L4:',
    'go to L5 if w6(48) = 0',
    'w6 = w6 - 1',
    'prctl(24, w6) or ignore',
    'go to L4',
    'L5:',
    'prctl(47, 4)',
    'capset({0x20080522}, {0 0 0})',
    'prctl(38, 1)',
    'fcntl(0, 3) or L8',
    'w7 = <fcntl> & 3',
    'go to L8 if w7 = 2',
    'fstatfs(0, &w8)',
    'go to L8 if w8 = 0x50495045',
    'landlock_create_ruleset({0x6002 0 0}, 24)',
    'pipe2({0}, 0x80000)',
    'w10 = w9 & 0xffffffff',
    'write(w11, ["/" 0x6002], 16)',
    'close(w11)',
    'L6:',
    'read(w10, &w12, 16)',
    'go to L7 if <read> = 0',
    'openat2(AT_FDCWD, w12, {0x280000 0 6}, 24) or L6',
    'w14 = w13 & -1',
    'w15 = <openat2> & -1',
    'landlock_add_rule(<landlock_create_ruleset>, 1, &w14)',
    'close(<openat2>)',
    'go to L6',
    'L7:',
    'close(w10)',
    'landlock_add_rule(<landlock_create_ruleset>, 1, {0x4002 1}) or ignore',
    'landlock_add_rule(<landlock_create_ruleset>, 1, {0x4002 2}) or ignore',
    'landlock_restrict_self(<landlock_create_ruleset>)',
    'close(<landlock_create_ruleset>)',
    'L8:',
    'seccomp(1, 4, filter of 153)',
    'write(3, 06000000000000000000000000000000, 16)',
    'pipe2({0}, 0x80000)',
    'w17 = w16 & 0xffffffff',
    'clone(17)',
    'go to L9 if <clone> = 0',
    'go to L15',
  ],
  'the command is executed': [
    'L9:',
    'close(w18)',
    'setsid()',
    'rt_sigprocmask(2, {0}, 0, 8)',
    'execve("/usr/bin/true", ["true","-x"], ["HOME=/home/ann","PATH=/usr/bin"]) or ignore',
    'go to L13 if <execve "/usr/bin/true"> = -2',
    'go to L13 if <execve "/usr/bin/true"> = -20',
    'go to L12 if <execve "/usr/bin/true"> = -13',
    'go to L10 if <execve "/usr/bin/true"> = -8',
    'go to L14',
    'L10:',
    'openat(AT_FDCWD, "/usr/bin/true", 0x80000) or L11',
    'read(<openat "/usr/bin/true">, &w19, 4) or ignore',
    'close(<openat "/usr/bin/true">)',
    'go to L14 if w19 = 0x464c457f',
    'L11:',
    'execve("/bin/sh", ["sh","/usr/bin/true","-x"], ["HOME=/home/ann","PATH=/usr/bin"]) or ignore',
    'go to L14',
    'L12:',
    'w20 = <execve "/bin/sh"> & -1',
    'L13:',
    'go to L14 if w20 = 0',
    '<execve "/bin/sh"> = w20 & -1',
    'L14:',
    'write(3, 05000000000000000000000000000000, 16) or ignore',
    'exit_group(1)',
  ],
  'the inner supervisor reaps, passes signals on and reports': [
    'L15:',
    'close(w17)',
    'close(0) or ignore',
    'close(1) or ignore',
    'close(2) or ignore',
    'close_range(4, 0xffffffff)',
    'w21 = 0 - <clone>',
    'L16:',
    'rt_sigtimedwait({-1}, &w22, 0, 8) or L16',
    'go to L18 if <rt_sigtimedwait> = 17',
    'go to L17 if <rt_sigtimedwait> = 18',
    'go to L17 if <rt_sigtimedwait> = 22',
    'kill(<clone>, <rt_sigtimedwait>) or ignore',
    'go to L16',
    'L17:',
    'kill(w21, 18) or ignore',
    'go to L16',
    'L18:',
    'wait4(-1, &w23, 3) or L16',
    'go to L16 if <wait4> = 0',
    'go to L19 if <wait4> = <clone>',
    'go to L18',
    'L19:',
    'w24 = w23 & 255',
    'go to L20 if w24 = 127',
    'go to L21',
    'L20:',
    'w25 = w23 & -1',
    'write(3, 03000000000000000000000000000000, 16) or ignore',
    'go to L18',
    'L21:',
    'write(3, 02000000000000000000000000000000, 16) or ignore',
    'w26 = w23 & 127',
    'go to L22 if w26 = 0',
    'exit_group(1)',
    'L22:',
    'exit_group()',
    'exit_group(1)',
  ],
  'the outer supervisor passes signals on': [
    'L23:',
    'close(w3)',
    'prctl(4)',
    'close(0) or ignore',
    'close(1) or ignore',
    'close(2) or ignore',
    'close(3)',
    'L24:',
    'rt_sigtimedwait({-1}, 0, 0, 8) or L24',
    'go to L26 if <rt_sigtimedwait> = 17',
    'go to L25 if <rt_sigtimedwait> = 16',
    'kill(<clone>, <rt_sigtimedwait>) or ignore',
    'go to L24',
    'L25:',
    'kill(<clone>, 9) or ignore',
    'go to L24',
    'L26:',
    'wait4(<clone>, &w27, 1) or L24',
    'go to L27 if <wait4> = <clone>',
    'go to L24',
    'L27:',
    'exit_group()',
  ],
};

const mounts = [
  'symlinkat("usr/bin", <fsmount>, "bin")',
  'mkdirat(<fsmount>, "etc", 493) or ignore',
  'openat2(<fsmount>, "etc/hostname", {0x800c1 420 20}, 24)',
  'write(<openat2 "etc/hostname">, "sbox\\n", 5)',
  'close(<openat2 "etc/hostname">)',
  'openat2(AT_FDCWD, "/state/home", {0x280000 0 6}, 24)',
  'mkdirat(<fsmount>, "home", 493) or ignore',
  'mkdirat(<fsmount>, "home/ann", 493) or ignore',
  'open_tree(<openat2 "/state/home">, "", 0x89001)',
  'mount_setattr(<open_tree>, "", 0x9000, {6 0 0 0}, 32)',
  'move_mount(<open_tree>, "", <fsmount>, "home/ann", 4)',
  'close(<openat2 "/state/home">)',
  'close(<open_tree>)',
  'openat2(AT_FDCWD, "/srv/.gitconfig", {0x280000 0 6}, 24)',
  'openat2(<fsmount>, "home/ann", {0x280000 0 22}, 24)',
  'readlinkat(<openat2 "home/ann">, ".gitconfig", &w6, 8) or L4',
  'unlinkat(<openat2 "home/ann">, ".gitconfig") or ignore',
  'L4:',
  'close(<openat2 "home/ann">)',
  'openat2(<fsmount>, "home/ann", {0x280000 0 22}, 24)',
  'mknodat(<openat2 "home/ann">, ".gitconfig", 0x81a4) or ignore',
  'close(<openat2 "home/ann">)',
  'openat2(<fsmount>, "home/ann/.gitconfig", {0x280000 0 22}, 24)',
  'open_tree(<openat2 "/srv/.gitconfig">, "", 0x89001)',
  'mount_setattr(<open_tree>, "", 0x9000, {7 0 0 0}, 32)',
  'move_mount(<open_tree>, "", <openat2 "home/ann/.gitconfig">, "", 68)',
  'close(<openat2 "home/ann/.gitconfig">)',
  'close(<openat2 "/srv/.gitconfig">)',
  'close(<open_tree>)',
  'openat2(AT_FDCWD, "/state/copies/x", {0x280000 0 6}, 24)',
  'mkdirat(<fsmount>, "srv", 493) or ignore',
  'mkdirat(<fsmount>, "srv/x", 493) or ignore',
  'open_tree(<openat2 "/state/copies/x">, "", 0x89001)',
  'mount_setattr(<open_tree>, "", 0x9000, {6 0 0 0}, 32)',
  'move_mount(<open_tree>, "", <fsmount>, "srv/x", 4)',
  'close(<openat2 "/state/copies/x">)',
  'close(<open_tree>)',
  'fsopen("tmpfs", 1)',
  'fsconfig(<fsopen "tmpfs">, 1, "mode", "01777")',
  'fsconfig(<fsopen "tmpfs">, 6, 0, 0)',
  'fsmount(<fsopen "tmpfs">, 1, 6)',
  'close(<fsopen "tmpfs">)',
  'mkdirat(<fsmount>, "tmp", 493) or ignore',
  'move_mount(<fsmount>, "", <fsmount>, "tmp", 4)',
  'close(<fsmount>)',
  'openat2(<openat2 "/tmp">, "work", {0x280000 0 22}, 24)',
  'mkdirat(<fsmount>, "tmp/work", 493) or ignore',
  'open_tree(<openat2 "work">, "", 0x89001)',
  'mount_setattr(<open_tree>, "", 0x9000, {6 0 0 0}, 32)',
  'move_mount(<open_tree>, "", <fsmount>, "tmp/work", 4)',
  'close(<openat2 "work">)',
  'close(<open_tree>)',
];

const superviseWithTerminal = [
  'L26:',
  'close(w3)',
  'prctl(4)',
  'close(0) or ignore',
  'close(2) or ignore',
  'close(3)',
  'L27:',
  'rt_sigtimedwait({-1}, 0, 0, 8) or L27',
  'go to L29 if <rt_sigtimedwait> = 17',
  'go to L28 if <rt_sigtimedwait> = 16',
  'kill(<clone>, <rt_sigtimedwait>) or ignore',
  'go to L27',
  'L28:',
  'kill(<clone>, 9) or ignore',
  'go to L27',
  'L29:',
  'wait4(<clone>, &w27, 1) or L27',
  'go to L30 if <wait4> = <clone>',
  'go to L27',
  'L30:',
  'ioctl(1, 0x540f, {0}) or L32',
  'w29 = 0 - w28',
  'kill(w29) or ignore',
  'go to L31 if <kill> = -3',
  'go to L32',
  'L31:',
  'ioctl(1, 0x5410, {77}) or ignore',
  'go to L32 if w27 = 0',
  'ioctl(1, 0x5402, {0}) or ignore',
  'L32:',
  'exit_group()',
];

const curated = [
  'mkdirat(<fsmount>, "etc", 493) or ignore',
  'pipe2({0}, 0x80000)',
  'w7 = w6 & 0xffffffff',
  'write(w8, ["/etc/services" "etc/services" "/etc/profile" "etc/profile"], 32)',
  'close(w8)',
  'L4:',
  'read(w7, &w9, 16)',
  'go to L5 if <read> = 0',
  'openat2(AT_FDCWD, w9, {0x280000 0 6}, 24) or L4',
  'mknodat(<fsmount>, w10, 0x81a4) or ignore',
  'open_tree(<openat2>, "", 0x89001)',
  'mount_setattr(<open_tree>, "", 0x9000, {7 0 0 0}, 32)',
  'move_mount(<open_tree>, "", <fsmount>, w10, 4)',
  'close(<openat2>)',
  'close(<open_tree>)',
  'go to L4',
  'L5:',
  'close(w7)',
  'mkdirat(<fsmount>, "etc/ssl", 493) or ignore',
  'pipe2({0}, 0x80000)',
  'w12 = w11 & 0xffffffff',
  'write(w13, ["/etc/ssl/certs" "etc/ssl/certs"], 16)',
  'close(w13)',
  'L6:',
  'read(w12, &w14, 16)',
  'go to L7 if <read> = 0',
  'openat2(AT_FDCWD, w14, {0x280000 0 6}, 24) or L6',
  'mkdirat(<fsmount>, w15, 493) or ignore',
  'open_tree(<openat2>, "", 0x89001)',
  'mount_setattr(<open_tree>, "", 0x9000, {7 0 0 0}, 32)',
  'move_mount(<open_tree>, "", <fsmount>, w15, 4)',
  'close(<openat2>)',
  'close(<open_tree>)',
  'go to L6',
  'L7:',
  'close(w12)',
];

describe('the order of what is done', () => {
  const lines = linesOf(aPlan());

  test.each(Object.keys(stages))('%s', (name) => {
    const before = Object.entries(stages).slice(0, Object.keys(stages).indexOf(name));
    const start = before.flatMap(([, part]) => part).length;
    const stage = stages[name] ?? [];
    expect(lines.slice(start, start + stage.length)).toEqual(stage);
  });

  test('and that is all', () => expect(lines.length).toBe(Object.values(stages).flat().length));

  test('capabilities are gone and the filter is in place before anything of the command runs', () => {
    const at = (start: string) => lines.findLastIndex((line) => line.startsWith(start));
    expect(at('pivot_root')).toBeLessThan(at('capset'));
    expect(at('capset')).toBeLessThan(at('prctl(38, 1)'));
    expect(at('prctl(38, 1)')).toBeLessThan(at('seccomp'));
    expect(at('seccomp')).toBeLessThan(at('write(3, 06')); // ready
    expect(at('write(3, 06')).toBeLessThan(at('clone'));
    expect(at('clone')).toBeLessThan(lines.findIndex((line) => line.startsWith('execve')));
  });
});

test('each kind of mount, in the order of the plan', () => {
  const plan = aPlan({
    mounts: [
      { kind: 'link', target: '/bin', text: 'usr/bin', why: '' },
      { kind: 'dir', target: '/etc', why: '' },
      { kind: 'file', target: '/etc/hostname', content: 'sbox\n', why: '' },
      { kind: 'bind', source: '/state/home', target: '/home/ann', type: 'dir', access: 'rw', why: '' },
      { kind: 'bind', source: '/srv/.gitconfig', target: '/home/ann/.gitconfig', type: 'file', access: 'ro', why: '' },
      { kind: 'copy', source: '/srv/x', store: '/state/copies/x', target: '/srv/x', type: 'dir', why: '' },
      { kind: 'memory', target: '/tmp', mode: 0o1777, why: '' },
      { kind: 'bind', source: '/tmp/work', target: '/tmp/work', type: 'dir', access: 'rw', why: '' },
    ],
  });
  expect(part(linesOf(plan), 'move_mount(<fsmount>, "", AT_FDCWD', 'fchdir').slice(1, -2)).toEqual(mounts);
});

test('what is optional is mounted last, in a loop for files and one for directories, and passed over if it has gone', () => {
  const optional = (target: string, type: 'file' | 'dir') =>
    ({ kind: 'bind', source: target, target, type, access: 'ro', optional: true, why: 'curated' }) as const;
  const plan = aPlan({
    mounts: [optional('/etc/services', 'file'), optional('/etc/ssl/certs', 'dir'), optional('/etc/profile', 'file')],
  });
  expect(part(linesOf(plan), 'move_mount(<fsmount>, "", AT_FDCWD', 'fchdir').slice(1, -2)).toEqual(curated);
});

describe('what a plan changes', () => {
  test("where pivot_root is refused the root is moved; a masked /proc is the host's, read-only", () => {
    const mechanism = { kind: 'namespaces', root: 'chroot', proc: 'host' } as const;
    const lines = linesOf(aPlan({ mechanism, mounts: [{ kind: 'proc', target: '/proc', why: '' }] }));
    expect(part(lines, 'openat2(AT_FDCWD, "/proc"', 'prlimit64').slice(0, -1)).toEqual([
      'openat2(AT_FDCWD, "/proc", {0x280000 0 6}, 24)',
      'mkdirat(<fsmount>, "proc", 493) or ignore',
      'open_tree(<openat2 "/proc">, "", 0x89001)',
      'mount_setattr(<open_tree>, "", 0x9000, {15 0 0 0}, 32)',
      'move_mount(<open_tree>, "", <fsmount>, "proc", 4)',
      'close(<openat2 "/proc">)',
      'close(<open_tree>)',
      'mount_setattr(<fsmount>, "", 4096, {1 0 0 0}, 32)',
      'fchdir(<fsmount>)',
      'mount(".", "/", 0, 0x2000, 0)',
      'chroot(".")',
      'chdir("/home/ann/work")',
    ]);
    expect(lines.filter((line) => line.startsWith('pivot_root'))).toEqual([]);
  });

  test('a terminal is given back by the outer supervisor', () => {
    const terminal = { fd: 1, path: '/dev/pts/1', processGroup: 77, foreground: true, exclusive: true };
    const lines = linesOf(aPlan({ network: bareNetwork('full'), terminal }));
    expect(lines.slice(-superviseWithTerminal.length)).toEqual(superviseWithTerminal);
    expect(lines).toContain('ioctl(1, 0x5401, {0}) or ignore');
  });

  test('a shared network has no namespace of its own', () => {
    const shared = linesOf(aPlan({ network: bareNetwork('full') }));
    expect(shared).toContain('unshare(0x3e020000)');
    expect(shared.filter((line) => line.startsWith('socket'))).toEqual([]);
  });

  test('files may be written to by path only, and the standard output and error again', () => {
    expect(
      part(linesOf(aPlan()), 'landlock_create_ruleset', 'seccomp').map((line) => line.replace(/\bw\d+/g, 'w')),
    ).toEqual([
      'landlock_create_ruleset({0x6002 0 0}, 24)',
      'pipe2({0}, 0x80000)',
      'w = w & 0xffffffff',
      'write(w, ["/" 0x6002], 16)',
      'close(w)',
      'L6:',
      'read(w, &w, 16)',
      'go to L7 if <read> = 0',
      'openat2(AT_FDCWD, w, {0x280000 0 6}, 24) or L6',
      'w = w & -1',
      'w = <openat2> & -1',
      'landlock_add_rule(<landlock_create_ruleset>, 1, &w)',
      'close(<openat2>)',
      'go to L6',
      'L7:',
      'close(w)',
      'landlock_add_rule(<landlock_create_ruleset>, 1, {0x4002 1}) or ignore',
      'landlock_add_rule(<landlock_create_ruleset>, 1, {0x4002 2}) or ignore',
      'landlock_restrict_self(<landlock_create_ruleset>)',
      'close(<landlock_create_ruleset>)',
      'L8:',
      'seccomp(1, 4, filter of 153)',
    ]);
  });

  test.each<[number, 'none' | 'full', string | undefined]>([
    [0, 'none', undefined],
    [0, 'full', undefined],
    [2, 'none', 'landlock_create_ruleset({0x2002 0 0}, 8)'],
    [3, 'none', 'landlock_create_ruleset({0x6002 0 0}, 8)'],
    [5, 'full', 'landlock_create_ruleset({0x6002 0 0}, 16)'],
    [6, 'none', 'landlock_create_ruleset({0x6002 0 0}, 24)'],
    [6, 'full', 'landlock_create_ruleset({0x6002 0 1}, 24)'],
  ])('Landlock %s with network %s guards what it can', (abi, mode, ruleset) => {
    const lines = linesOf(aPlan({ network: bareNetwork(mode) }), abi);
    expect(lines.find((line) => line.startsWith('landlock_create_ruleset'))).toBe(ruleset);
  });

  test('Landlock 1 is left alone, for it would forbid moving files between directories', () => {
    expect(linesOf(aPlan(), 1).filter((line) => line.includes('landlock'))).toEqual([]);
  });

  test('a command that may make user namespaces is not guarded: Landlock would forbid mounting in them', () => {
    expect(linesOf(aPlan({ userNamespaces: true })).filter((line) => line.includes('landlock'))).toEqual([]);
  });

  test('a memory limit is one of what lies in memory too', () => {
    const lines = linesOf(
      aPlan({ limits: { memoryBytes: 4096 }, mounts: [{ kind: 'memory', target: '/tmp', mode: 0o1777, why: '' }] }),
    );
    expect(lines).toContain('fsconfig(<fsopen "tmpfs">, 1, "size", "4096")');
  });

  test('a time limit is kept by the outer supervisor: it asks first, then ends everything', () => {
    const lines = linesOf(aPlan({ limits: { timeoutMs: 90_500 } }));
    const outside = lines.slice(lines.lastIndexOf('close(3)') + 1);
    expect(outside.map((line) => line.replace(/\bw\d+/g, 'w').replace(/\bL\d+/g, 'L'))).toEqual([
      'setitimer(0, {0 0 90 0x7a120}) or ignore',
      'L:',
      'rt_sigtimedwait({-1}, 0, 0, 8) or L',
      'go to L if <rt_sigtimedwait> = 17',
      'go to L if <rt_sigtimedwait> = 14',
      'go to L if <rt_sigtimedwait> = 16',
      'kill(<clone>, <rt_sigtimedwait>) or ignore',
      'go to L',
      'L:',
      'kill(<clone>, 9) or ignore',
      'go to L',
      'L:',
      'wait4(<clone>, &w, 1) or L',
      'go to L if <wait4> = <clone>',
      'go to L',
      'L:',
      'go to L if w = 1',
      'w = 1 & 1',
      'kill(<clone>, 15) or ignore',
      'kill(<clone>, 18) or ignore',
      'setitimer(0, {0 0 5 0}) or ignore',
      'go to L',
      'L:',
      'kill(<clone>, 9) or ignore',
      'L:',
      'go to L',
      'L:',
      'exit_group()',
    ]);
  });

  test('a run without a terminal has a session of its own', () => {
    expect(linesOf(aPlan())).toContain('setsid()');
    const terminal = { fd: 1, path: '/dev/pts/1', processGroup: 77, foreground: false, exclusive: true };
    const lines = linesOf(aPlan({ terminal }));
    expect(lines).not.toContain('setsid()');
    const taking = (changed: Partial<typeof terminal>) =>
      linesOf(aPlan({ terminal: { ...terminal, ...changed } })).filter((line) =>
        line.startsWith('ioctl(1, 0x5410, &<getpid>)'),
      ).length;
    expect(taking({})).toBe(0); // in the background
    expect(taking({ foreground: true })).toBe(1);
    expect(taking({ foreground: true, exclusive: false })).toBe(0); // another program of the job may have it
  });

  test('limits are set in the sandbox, after its root is entered', () => {
    const lines = linesOf(
      aPlan({ limits: { memoryBytes: 2 ** 40, processes: 5, openFiles: 6, fileSizeBytes: 7, timeoutMs: 8 } }),
    );
    const start = lines.indexOf('chdir("/home/ann/work")');
    expect(lines.slice(start + 1, start + 6)).toEqual([
      'prlimit64(0, 2, {0x10000000000 0x10000000000})',
      'prlimit64(0, 6, {5 5})',
      'prlimit64(0, 7, {6 6})',
      'prlimit64(0, 1, {7 7})',
      'prlimit64(0, 4, {0 0})',
    ]);
  });

  test('root gives up its supplementary groups first', () => {
    const lines = linesOf(aPlan({ user: { uid: 0, gid: 0, kernelRoot: true } }));
    const start = lines.findIndex((line) => line.startsWith('unshare'));
    expect(lines[start - 1]).toBe('setgroups() or ignore');
    expect(lines).toContain('write(<openat "/proc/self/uid_map">, "0 0 1", 5)');
  });

  test('every call that ends the run when it fails says what it was for', () => {
    const program = renderNamespaceProgram(aPlan({ mounts: planRun(aProfile(), anInvocation(), facts()).mounts }), {
      arch: 'x64',
      landlockAbi: 7,
      scaffold: '/tmp',
    });
    const count = program.here().at ?? 0;
    const bytes = program.render().subarray(8);
    const ending = Array.from({ length: count }, (_, index) => index * 64).filter(
      (at) => bytes.readUInt32LE(at) < 0x8000_0000 && bytes.readUInt32LE(at + 56) === 0,
    );
    expect(ending.length).toBeGreaterThan(100);
    expect(ending.filter((at) => (program.stepAt(at)?.goal ?? '') === '')).toEqual([]);
    expect(ending.filter((at) => program.stepAt(at)?.call !== syscallName('x64', bytes.readUInt32LE(at)))).toEqual([]);
  });
});
