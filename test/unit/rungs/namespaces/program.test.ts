import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../../src/domain/plan.ts';
import { planRun } from '../../../../src/plan/plan.ts';
import { renderNamespaceProgram } from '../../../../src/rungs/namespaces/program.ts';
import { disassemble } from '../../../support/disassemble.ts';
import { anInvocation, aProfile, facts } from '../../../support/plan-builders.ts';

/** A plan without mounts, of a command with one candidate. */
const aPlan = (changes: Partial<Plan> = {}): Plan => ({
  ...planRun(aProfile(), anInvocation(), facts()),
  mounts: [],
  env: { HOME: '/home/ann', PATH: '/usr/bin' },
  command: { argv: ['true', '-x'], candidates: ['/usr/bin/true'] },
  ...changes,
});

const linesOf = (plan: Plan, landlockAbi = 7): string[] =>
  disassemble(renderNamespaceProgram(plan, { arch: 'x64', landlockAbi, scaffold: '/tmp' }), 'x64');

/** The lines from the first that begins with `from` to the first after it that begins with `to`. */
const part = (lines: readonly string[], from: string, to: string): string[] => {
  const start = lines.findIndex((line) => line.startsWith(from));
  const end = lines.findIndex((line, index) => index > start && line.startsWith(to));
  if (start < 0 || end < 0) throw new Error(`no part from ${from} to ${to}`);
  return lines.slice(start, end + 1);
};

const untilTheCommandStarts = [
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
  'prctl(1, 9)',
  'ppoll({3}, 1, {0 0})',
  'go to L1 if <ppoll> = 0',
  'exit_group(1)',
  'L1:',
  'clone(17)',
  'go to L5 if <clone> = 0',
  'prctl(4)',
  'close(0) or ignore',
  'close(1) or ignore',
  'close(2) or ignore',
  'close(3) or ignore',
  'L2:',
  'rt_sigtimedwait({-1}, 0, 0, 8) or L2',
  'go to L3 if <rt_sigtimedwait> = 17',
  'kill(<clone>, <rt_sigtimedwait>) or ignore',
  'go to L2',
  'L3:',
  'wait4(<clone>, &w1, 1) or L2',
  'go to L4 if <wait4> = <clone>',
  'go to L2',
  'L4:',
  'exit_group()',
  'L5:',
  'prctl(1, 9)',
  'ppoll({3}, 1, {0 0})',
  'go to L6 if <ppoll> = 0',
  'exit_group(1)',
  'L6:',
  'prctl(4)',
  'sethostname("sbox", 4)',
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
  'L7:',
  'go to L8 if w2(48) = 0',
  'w2 = w2 - 1',
  'prctl(24, w2) or ignore',
  'go to L7',
  'L8:',
  'prctl(47, 4)',
  'capset({0x20080522}, {0 0 0})',
  'prctl(38, 1)',
  'seccomp(1, 4, filter of 130)',
  'clone(17)',
  'go to L16 if <clone> = 0',
];

const superviseInside = [
  'close(0) or ignore',
  'close(1) or ignore',
  'close(2) or ignore',
  'w3 = 0 - <clone>',
  'L9:',
  'rt_sigtimedwait({-1}, 0, 0, 8) or L9',
  'go to L11 if <rt_sigtimedwait> = 17',
  'go to L10 if <rt_sigtimedwait> = 18',
  'go to L10 if <rt_sigtimedwait> = 22',
  'kill(<clone>, <rt_sigtimedwait>) or ignore',
  'go to L9',
  'L10:',
  'kill(w3, 18) or ignore',
  'go to L9',
  'L11:',
  'wait4(-1, &w4, 3) or L9',
  'go to L9 if <wait4> = 0',
  'go to L12 if <wait4> = <clone>',
  'go to L11',
  'L12:',
  'w5 = w4 & 255',
  'go to L13 if w5 = 127',
  'go to L14',
  'L13:',
  'w6 = w4 & -1',
  'write(3, 03000000000000000000000000000000, 16) or ignore',
  'go to L11',
  'L14:',
  'write(3, 02000000000000000000000000000000, 16) or ignore',
  'w7 = w4 & 127',
  'go to L15 if w7 = 0',
  'exit_group(1)',
  'L15:',
  'exit_group()',
];

const execute = [
  'setpgid()',
  'rt_sigprocmask(2, {0}, 0, 8)',
  'execve("/usr/bin/true", ["true","-x"], ["HOME=/home/ann","PATH=/usr/bin"]) or ignore',
  'go to L19 if <execve "/usr/bin/true"> = -2',
  'go to L19 if <execve "/usr/bin/true"> = -20',
  'go to L18 if <execve "/usr/bin/true"> = -13',
  'go to L17 if <execve "/usr/bin/true"> = -8',
  'go to L20',
  'L17:',
  'execve("/bin/sh", ["sh","/usr/bin/true","-x"], ["HOME=/home/ann","PATH=/usr/bin"]) or ignore',
  'go to L20',
  'L18:',
  'w8 = <execve "/bin/sh"> & -1',
  'L19:',
  'go to L20 if w8 = 0',
  '<execve "/bin/sh"> = w8 & -1',
  'L20:',
  'write(3, 05000000000000000000000000000000, 16) or ignore',
  'exit_group(1)',
];

const mounts = [
  'symlinkat("usr/bin", <fsmount>, "bin")',
  'mkdirat(<fsmount>, "etc", 493) or ignore',
  'openat(<fsmount>, "etc/hostname", 0x80241, 420)',
  'write(<openat "etc/hostname">, "sbox\\n", 5)',
  'close(<openat "etc/hostname">)',
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
  'prctl(4)',
  'close(0) or ignore',
  'close(2) or ignore',
  'close(3) or ignore',
  'L2:',
  'rt_sigtimedwait({-1}, 0, 0, 8) or L2',
  'go to L3 if <rt_sigtimedwait> = 17',
  'kill(<clone>, <rt_sigtimedwait>) or ignore',
  'go to L2',
  'L3:',
  'wait4(<clone>, &w1, 1) or L2',
  'go to L4 if <wait4> = <clone>',
  'go to L2',
  'L4:',
  'ioctl(1, 0x540f, {0}) or L6',
  'w3 = 0 - w2',
  'kill(w3) or L5',
  'go to L6',
  'L5:',
  'ioctl(1, 0x5410, {77}) or ignore',
  'go to L6 if w1 = 0',
  'ioctl(1, 0x5402, {0}) or ignore',
  'L6:',
  'exit_group()',
];

describe('the order of what is done', () => {
  const lines = linesOf(aPlan());

  test('from the first call to the start of the command', () => {
    expect(lines.slice(0, untilTheCommandStarts.length)).toEqual(untilTheCommandStarts);
  });

  test('then the first process of the sandbox reaps and passes signals on', () => {
    const start = untilTheCommandStarts.length;
    expect(lines.slice(start, start + superviseInside.length)).toEqual(superviseInside);
  });

  test('and the command is executed, last of all', () => {
    expect(lines.slice(-execute.length)).toEqual(execute);
    expect(lines.length).toBe(untilTheCommandStarts.length + superviseInside.length + 1 + execute.length);
  });

  test('capabilities are gone and the filter is in place before anything of the command runs', () => {
    const at = (start: string) => lines.findLastIndex((line) => line.startsWith(start));
    expect(at('pivot_root')).toBeLessThan(at('capset'));
    expect(at('capset')).toBeLessThan(at('prctl(38, 1)'));
    expect(at('prctl(38, 1)')).toBeLessThan(at('seccomp'));
    expect(at('seccomp')).toBeLessThan(at('clone'));
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

describe('what a plan changes', () => {
  test('a terminal is given back by the outer supervisor', () => {
    const terminal = { fd: 1, path: '/dev/pts/1', processGroup: 77, foreground: true };
    const lines = linesOf(aPlan({ network: { mode: 'full' }, terminal }));
    expect(part(lines, 'prctl(4)', 'exit_group()')).toEqual(superviseWithTerminal);
    expect(lines).toContain('ioctl(1, 0x5401, {0}) or ignore');
  });

  test('a shared network has no namespace of its own, and abstract sockets are scoped where Landlock can', () => {
    const plan = aPlan({ network: { mode: 'full' } });
    const scope = [
      'landlock_create_ruleset({0 0 1}, 24)',
      'landlock_restrict_self(<landlock_create_ruleset>)',
      'close(<landlock_create_ruleset>)',
    ];
    expect(linesOf(plan, 7)).toEqual(expect.arrayContaining(['unshare(0x3e020000)', ...scope]));
    expect(linesOf(plan, 5).filter((line) => line.includes('landlock'))).toEqual([]);
    expect(linesOf(plan).filter((line) => line.startsWith('socket'))).toEqual([]);
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
    const lines = linesOf(aPlan({ user: { uid: 0, gid: 0 } }));
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
    const silent = Array.from({ length: count }, (_, index) => index * 64).filter(
      (at) =>
        bytes.readUInt32LE(at) < 0x8000_0000 && bytes.readUInt32LE(at + 56) === 0 && program.noteAt(at) === undefined,
    );
    const calls = silent.map((at) => bytes.readUInt32LE(at));
    expect(calls.filter((number) => number !== exitGroup && number !== close)).toEqual([]);
  });
});

const [exitGroup, close] = [231, 3];
