import { describe, expect, test } from 'vitest';
import { bareNetwork } from '../../../../src/domain/network.ts';
import type { PlannedMount } from '../../../../src/domain/plan.ts';
import { planRun } from '../../../../src/plan/plan.ts';
import { type LandlockPlan, renderLandlockProgram } from '../../../../src/rungs/landlock/program.ts';
import { disassemble } from '../../../support/disassemble.ts';
import { anInvocation, aProfile, facts } from '../../../support/plan-builders.ts';
import { syscallName } from '../../../support/syscall-names.ts';

const bind = (path: string, type: 'file' | 'dir', access: 'ro' | 'rw', why = ''): PlannedMount => ({
  kind: 'bind',
  source: path,
  target: path,
  type,
  access,
  why,
});

const mounts: readonly PlannedMount[] = [
  bind('/usr', 'dir', 'ro'),
  bind('/dev/null', 'file', 'rw', 'device'),
  bind('/home/ann/work', 'dir', 'rw'),
  bind('/state/home', 'dir', 'rw'),
  bind('/home/ann/.gitconfig', 'file', 'ro'),
  { kind: 'link', target: '/state/home/.config/git', text: '/home/ann/.config/git', why: '' },
  { kind: 'link', target: '/state/runs/1/bin/claude', text: '/opt/claude', why: 'tool' },
  { kind: 'copy', source: '/srv/x', store: '/state/copies/x', target: '/state/copies/x', type: 'file', why: '' },
];

/** A plan of a command with one candidate, for this version of Landlock. */
const aPlan = (abi: number, namespaces: boolean, changes: Partial<LandlockPlan> = {}): LandlockPlan => ({
  ...planRun(aProfile(), anInvocation(), facts()),
  rung: 'landlock',
  mechanism: { kind: 'landlock', abi, namespaces },
  home: '/state/home',
  runFolder: '/state/runs/1',
  mounts,
  env: { HOME: '/state/home' },
  command: { argv: ['true', '-x'], candidates: ['/usr/bin/true'] },
  ...changes,
});

const linesOf = (plan: LandlockPlan): string[] => disassemble(renderLandlockProgram(plan, 'x64'), 'x64');

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
    'prctl(36, 1)',
    'prctl(38, 1)',
    'landlock_create_ruleset({0x2000 0 2}, 24)',
    'openat2(AT_FDCWD, "/", {0x280000 0 6}, 24)',
    'w1 = <openat2 "/"> & -1',
    'landlock_add_rule(<landlock_create_ruleset>, 1, {0x2000 0})',
    'close(<openat2 "/">)',
    'landlock_restrict_self(<landlock_create_ruleset>)',
    'close(<landlock_create_ruleset>)',
    'prctl(1, 16)',
    'w2 = 3 & -1',
    'ppoll(&w2, 1, {0 0})',
    'go to L1 if <ppoll> = 0',
    'exit_group(1)',
    'L1:',
    'pipe2({0}, 0x80000)',
    'w4 = w3 & 0xffffffff',
    'clone(17)',
    'go to L2 if <clone> = 0',
    'go to L29',
  ],
  'the inner one links, makes the rules, gives up its powers and starts the command': [
    'L2:',
    'close(w5)',
    'prctl(1, 16)',
    'w6 = w4 & -1',
    'ppoll(&w6, 1, {0 0})',
    'go to L3 if <ppoll> = 0',
    'exit_group(1)',
    'L3:',
    'prctl(4)',
    'openat2(AT_FDCWD, "/state/home", {0x280000 0 6}, 24)',
    'openat2(<openat2 "/state/home">, ".", {0x280000 0 22}, 24)',
    'mkdirat(<openat2 ".">, ".config", 493) or ignore',
    'close(<openat2 ".">)',
    'openat2(<openat2 "/state/home">, ".config", {0x280000 0 22}, 24)',
    'readlinkat(<openat2 ".config">, "git", &w7, 8) or L4',
    'unlinkat(<openat2 ".config">, "git") or ignore',
    'L4:',
    'symlinkat("/home/ann/.config/git", <openat2 ".config">, "git")',
    'close(<openat2 ".config">)',
    'openat2(AT_FDCWD, "/state/runs/1", {0x280000 0 6}, 24)',
    'openat2(<openat2 "/state/runs/1">, ".", {0x280000 0 22}, 24)',
    'mkdirat(<openat2 ".">, "bin", 493) or ignore',
    'close(<openat2 ".">)',
    'openat2(<openat2 "/state/runs/1">, "bin", {0x280000 0 22}, 24)',
    'readlinkat(<openat2 "bin">, "claude", &w8, 8) or L5',
    'unlinkat(<openat2 "bin">, "claude") or ignore',
    'L5:',
    'symlinkat("/opt/claude", <openat2 "bin">, "claude")',
    'close(<openat2 "bin">)',
    'landlock_create_ruleset({0xffff 0 3}, 24)',
    'pipe2({0}, 0x80000)',
    'w10 = w9 & 0xffffffff',
    'write(w11, ["/usr" 13 "/dev/null" 0xc006 "/home/ann/work" 0x7fff "/state/home" 0x7fff "/home/ann/.gitconfig" 5 "/state/copies/x" 0x4007], 96)',
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
    'landlock_add_rule(<landlock_create_ruleset>, 1, {4 0}) or ignore',
    'landlock_add_rule(<landlock_create_ruleset>, 1, {0x4002 1}) or ignore',
    'landlock_add_rule(<landlock_create_ruleset>, 1, {0x4002 2}) or ignore',
    'prlimit64(0, 4, {0 0})',
    'L8:',
    'go to L9 if w16(48) = 0',
    'w16 = w16 - 1',
    'prctl(24, w16) or ignore',
    'go to L8',
    'L9:',
    'prctl(47, 4)',
    'capset({0x20080522}, {0 0 0})',
    'prctl(38, 1)',
    'prctl(36, 1)',
    'prctl(38, 1)',
    'landlock_create_ruleset({0x2000 0 2}, 24)',
    'openat2(AT_FDCWD, "/", {0x280000 0 6}, 24)',
    'w17 = <openat2 "/"> & -1',
    'landlock_add_rule(<landlock_create_ruleset>, 1, {0x2000 0})',
    'close(<openat2 "/">)',
    'landlock_restrict_self(<landlock_create_ruleset>)',
    'close(<landlock_create_ruleset>)',
    'seccomp(1, 4, filter of 187)',
    'write(3, 06000000000000000000000000000000, 16)',
    'pipe2({0}, 0x80000)',
    'w19 = w18 & 0xffffffff',
    'clone(17)',
    'go to L10 if <clone> = 0',
    'go to L16',
  ],
  'the command binds itself by the rules and is executed': [
    'L10:',
    'close(w20)',
    'landlock_restrict_self(<landlock_create_ruleset>)',
    'close(<landlock_create_ruleset>)',
    'chdir("/home/ann/work")',
    'setsid()',
    'rt_sigprocmask(2, {0}, 0, 8)',
    'execve("/usr/bin/true", ["true","-x"], ["HOME=/state/home"]) or ignore',
    'go to L14 if <execve "/usr/bin/true"> = -2',
    'go to L14 if <execve "/usr/bin/true"> = -20',
    'go to L13 if <execve "/usr/bin/true"> = -13',
    'go to L11 if <execve "/usr/bin/true"> = -8',
    'go to L15',
    'L11:',
    'openat(AT_FDCWD, "/usr/bin/true", 0x80000) or L12',
    'read(<openat "/usr/bin/true">, &w21, 4) or ignore',
    'close(<openat "/usr/bin/true">)',
    'go to L15 if w21 = 0x464c457f',
    'L12:',
    'execve("/bin/sh", ["sh","/usr/bin/true","-x"], ["HOME=/state/home"]) or ignore',
    'go to L15',
    'L13:',
    'w22 = <execve "/bin/sh"> & -1',
    'L14:',
    'go to L15 if w22 = 0',
    '<execve "/bin/sh"> = w22 & -1',
    'L15:',
    'write(3, 05000000000000000000000000000000, 16) or ignore',
    'exit_group(1)',
  ],
  'the inner supervisor reaps, passes signals on, and ends with whatever was left running': [
    'L16:',
    'close(w19)',
    'close(0) or ignore',
    'close(1) or ignore',
    'close(2) or ignore',
    'close_range(4, 0xffffffff)',
    'w23 = 0 - <clone>',
    'L17:',
    'rt_sigtimedwait({-1}, &w24, 0, 8) or L17',
    'go to L19 if <rt_sigtimedwait> = 17',
    'go to L18 if <rt_sigtimedwait> = 18',
    'go to L18 if <rt_sigtimedwait> = 22',
    'go to L26 if <rt_sigtimedwait> = 16',
    'kill(<clone>, <rt_sigtimedwait>) or ignore',
    'go to L17',
    'L18:',
    'kill(w23, 18) or ignore',
    'go to L17',
    'L19:',
    'wait4(-1, &w25, 3) or L17',
    'go to L17 if <wait4> = 0',
    'go to L20 if <wait4> = <clone>',
    'go to L19',
    'L20:',
    'w26 = w25 & 255',
    'go to L21 if w26 = 127',
    'go to L22',
    'L21:',
    'w27 = w25 & -1',
    'write(3, 03000000000000000000000000000000, 16) or ignore',
    'go to L19',
    'L22:',
    'kill(-1, 9) or ignore',
    'wait4(-1, 0) or L24',
    'L23:',
    'wait4(-1, 0, 1) or L24',
    'go to L22 if <wait4> = 0',
    'go to L23',
    'L24:',
    'write(3, 02000000000000000000000000000000, 16) or ignore',
    'w28 = w25 & 127',
    'go to L25 if w28 = 0',
    'exit_group(1)',
    'L25:',
    'exit_group()',
    'L26:',
    'kill(-1, 9) or ignore',
    'wait4(-1, 0) or L28',
    'L27:',
    'wait4(-1, 0, 1) or L28',
    'go to L26 if <wait4> = 0',
    'go to L27',
    'L28:',
    'exit_group(1)',
  ],
  'the outer supervisor passes signals on': [
    'L29:',
    'close(w4)',
    'prctl(4)',
    'close(0) or ignore',
    'close(1) or ignore',
    'close(2) or ignore',
    'close(3)',
    'L30:',
    'rt_sigtimedwait({-1}, 0, 0, 8) or L30',
    'go to L32 if <rt_sigtimedwait> = 17',
    'go to L31 if <rt_sigtimedwait> = 16',
    'kill(<clone>, <rt_sigtimedwait>) or ignore',
    'go to L30',
    'L31:',
    'kill(<clone>, 16) or ignore',
    'go to L30',
    'L32:',
    'wait4(<clone>, &w29, 1) or L30',
    'go to L33 if <wait4> = <clone>',
    'go to L30',
    'L33:',
    'kill(-1, 9) or ignore',
    'wait4(-1, 0) or L35',
    'L34:',
    'wait4(-1, 0, 1) or L35',
    'go to L33 if <wait4> = 0',
    'go to L34',
    'L35:',
    'exit_group()',
  ],
};

describe('version 6 without namespaces, in order', () => {
  const lines = linesOf(aPlan(6, false));

  test.each(Object.keys(stages))('%s', (name) => {
    const before = Object.entries(stages).slice(0, Object.keys(stages).indexOf(name));
    const start = before.flatMap(([, stage]) => stage).length;
    const stage = stages[name] ?? [];
    expect(lines.slice(start, start + stage.length)).toEqual(stage);
  });

  test('and that is all', () => expect(lines.length).toBe(Object.values(stages).flat().length));
});

describe('what a version changes', () => {
  /** of the supervisors */
  const scopeOnly = 'landlock_create_ruleset({0x2000 0 2}, 24)';
  const rules = (directory: string, device: string, file: string) =>
    `write(<ends>, ["/usr" 13 "/dev/null" ${device} "/home/ann/work" ${directory} "/state/home" ${directory} "/home/ann/.gitconfig" 5 "/state/copies/x" ${file}], 96)`;

  test.each<[number, string, string]>([
    [1, 'landlock_create_ruleset({0x1fff 0 0}, 8)', rules('0x1fff', '6', '7')],
    [2, 'landlock_create_ruleset({0x3fff 0 0}, 8)', rules('0x3fff', '6', '7')],
    [3, 'landlock_create_ruleset({0x7fff 0 0}, 8)', rules('0x7fff', '0x4006', '0x4007')],
    [4, 'landlock_create_ruleset({0x7fff 0 0}, 16)', rules('0x7fff', '0x4006', '0x4007')],
    [5, 'landlock_create_ruleset({0xffff 0 0}, 16)', rules('0x7fff', '0xc006', '0x4007')],
    [6, 'landlock_create_ruleset({0xffff 0 3}, 24)', rules('0x7fff', '0xc006', '0x4007')],
    [7, 'landlock_create_ruleset({0xffff 0 3}, 24)', rules('0x7fff', '0xc006', '0x4007')],
  ])('the rights of version %s', (abi, ruleset, rows) => {
    for (const namespaces of [true, false]) {
      const lines = linesOf(aPlan(abi, namespaces));
      const rulesets = lines.filter((line) => line.startsWith('landlock_create_ruleset') && line !== scopeOnly);
      expect(rulesets).toEqual([ruleset]);
      expect(lines.map((line) => line.replace(/^write\(w\d+/, 'write(<ends>'))).toContain(rows);
    }
  });

  const confined = ['prctl(47, 4)', 'capset({0x20080522}, {0 0 0})', 'prctl(38, 1)'];
  const adopting = 'prctl(36, 1)';
  const scoped = [
    'prctl(38, 1)',
    scopeOnly,
    'openat2(AT_FDCWD, "/", {0x280000 0 6}, 24)',
    'w17 = <openat2 "/"> & -1',
    'landlock_add_rule(<landlock_create_ruleset>, 1, {0x2000 0})',
    'close(<openat2 "/">)',
    'landlock_restrict_self(<landlock_create_ruleset>)',
    'close(<landlock_create_ruleset>)',
  ];
  const filterOf = (words: number) => `seccomp(1, 4, filter of ${words})`;
  const ready = 'write(3, 06000000000000000000000000000000, 16)';

  test.each<[number, boolean, readonly string[]]>([
    [1, true, [...confined, filterOf(158), ready]],
    [1, false, [...confined, adopting, filterOf(187), ready]],
    [4, true, [...confined, filterOf(158), ready]],
    [4, false, [...confined, adopting, filterOf(187), ready]],
    [6, true, [...confined, filterOf(158), ready]],
    [6, false, [...confined, adopting, ...scoped, filterOf(187), ready]],
  ])('the confinement of both, version %s, with namespaces: %s', (abi, namespaces, expected) => {
    expect(part(linesOf(aPlan(abi, namespaces)), 'prctl(47, 4)', 'write(3, 06')).toEqual(expected);
  });

  test.each([1, 4, 6])('the command alone is bound by the rules, version %s', (abi) => {
    for (const namespaces of [true, false]) {
      const lines = linesOf(aPlan(abi, namespaces));
      const child = lines.lastIndexOf('clone(17)');
      const bound = lines.findLastIndex((line) => line.startsWith('landlock_restrict_self'));
      expect(lines.slice(bound, bound + 3)).toEqual([
        'landlock_restrict_self(<landlock_create_ruleset>)',
        'close(<landlock_create_ruleset>)',
        'chdir("/home/ann/work")',
      ]);
      expect(bound).toBeGreaterThan(child);
      expect(bound).toBeLessThan(lines.findIndex((line) => line.startsWith('execve')));
    }
  });
});

describe('with namespaces', () => {
  const lines = linesOf(aPlan(6, true));

  test('they are made without one of mounts, and the user is mapped', () => {
    expect(part(lines, 'setpgid()', 'prctl(1, 16)')).toEqual([
      'setpgid()',
      'unshare(0x7e000000)',
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
    ]);
    expect(part(lines, 'socket(', 'close(')).toEqual([
      'socket(2, 0x80002)',
      'ioctl(<socket>, 0x8914, {0x6f6c})',
      'close(<socket>)',
    ]);
  });

  test('nothing has to be swept: the kernel ends what is left', () => {
    expect(lines.filter((line) => line.startsWith('kill(-1') || /^kill\(w\d+, 9\)/.test(line))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('prctl(1, '))).toEqual(['prctl(1, 16)', 'prctl(1, 9)']);
  });

  test('a shared network has no namespace of its own', () => {
    const shared = linesOf(aPlan(6, true, { network: bareNetwork('full') }));
    expect(shared).toContain('unshare(0x3e000000)');
    expect(shared.filter((line) => line.startsWith('socket('))).toEqual([]);
  });
});

describe('without namespaces', () => {
  test.each([1, 5])('and without a scope for signals, version %s, the group of the command is swept', (abi) => {
    const lines = linesOf(aPlan(abi, false));
    const kills = lines.flatMap((line, index) => (/^kill\(w\d+, 9\) or ignore$/.test(line) ? [lines[index - 1]] : []));
    expect(kills.map((line) => line?.replace(/^w\d+ /, ''))).toEqual(['= 0 - <clone>', '= 0 - <clone>']);
    expect(lines.filter((line) => line.startsWith('kill(-1'))).toEqual([]);
  });

  test('each supervisor is told of the end of its parent by a signal, and sweeps then too', () => {
    for (const abi of [1, 6])
      expect(linesOf(aPlan(abi, false)).filter((line) => line.startsWith('prctl(1, '))).toEqual([
        'prctl(1, 16)',
        'prctl(1, 16)',
      ]);
    // the inner one at the end of the command and of the outer one, the outer one at the end of the inner one
    expect(linesOf(aPlan(6, false)).filter((line) => line === 'kill(-1, 9) or ignore')).toHaveLength(3);
  });

  test('and with the network of the host there are internet sockets', () => {
    const filterIn = (lines: readonly string[]) => lines.find((line) => line.startsWith('seccomp'));
    const none = filterIn(linesOf(aPlan(6, false)));
    expect(filterIn(linesOf(aPlan(6, false, { network: bareNetwork('full') })))).not.toBe(none);
  });
});

test('root gives up its supplementary groups', () => {
  const lines = linesOf(aPlan(6, false, { user: { uid: 0, gid: 0, kernelRoot: true } }));
  expect(lines.indexOf('setgroups() or ignore')).toBeGreaterThan(0);
  expect(lines.indexOf('setgroups() or ignore')).toBeLessThan(lines.indexOf('capset({0x20080522}, {0 0 0})'));
});

test('every call that ends the run when it fails says what it was for', () => {
  for (const namespaces of [true, false]) {
    const program = renderLandlockProgram(aPlan(6, namespaces), 'x64');
    const bytes = program.render().subarray(8);
    const ending = Array.from({ length: program.here().at ?? 0 }, (_, index) => index * 64).filter(
      (at) => bytes.readUInt32LE(at) < 0x8000_0000 && bytes.readUInt32LE(at + 56) === 0,
    );
    expect(ending.length).toBeGreaterThan(30);
    expect(ending.filter((at) => (program.stepAt(at)?.goal ?? '') === '')).toEqual([]);
    expect(ending.filter((at) => program.stepAt(at)?.call !== syscallName('x64', bytes.readUInt32LE(at)))).toEqual([]);
  }
});
