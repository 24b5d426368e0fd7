import { expect, test } from 'vitest';
import type { Plan } from '../../../../src/domain/plan.ts';
import { planRun } from '../../../../src/plan/plan.ts';
import { renderPortableProgram } from '../../../../src/rungs/portable/program.ts';
import { disassemble } from '../../../support/disassemble.ts';
import { anInvocation, aProfile, facts } from '../../../support/plan-builders.ts';

const plan: Plan = {
  ...planRun(aProfile(), anInvocation(), facts()),
  rung: 'portable',
  mechanism: { kind: 'portable' },
  home: '/state/home',
  runFolder: '/state/runs/1',
  mounts: [
    { kind: 'bind', source: '/usr', target: '/usr', type: 'dir', access: 'ro', why: '' },
    { kind: 'link', target: '/state/home/.config/git', text: '/home/ann/.config/git', why: '' },
    { kind: 'link', target: '/state/runs/1/bin/claude', text: '/opt/claude', why: 'tool' },
  ],
  limits: { openFiles: 9 },
  command: { argv: ['true', '-x'], candidates: ['/usr/bin/true'] },
};

const lines = disassemble(renderPortableProgram(plan, 'x64'), 'x64');

test('the inner supervisor links, sets limits and adopts orphans, and that is all', () => {
  const start = lines.indexOf('prctl(4)');
  const inner = [
    'prctl(4)',
    'openat2(AT_FDCWD, "/state/home", {0x280000 0 6}, 24)',
    'openat2(<openat2 "/state/home">, ".", {0x280000 0 22}, 24)',
    'mkdirat(<openat2 ".">, ".config", 493) or ignore',
    'close(<openat2 ".">)',
    'openat2(<openat2 "/state/home">, ".config", {0x280000 0 22}, 24)',
    'readlinkat(<openat2 ".config">, "git", &w6, 8) or L4',
    'unlinkat(<openat2 ".config">, "git") or ignore',
    'L4:',
    'symlinkat("/home/ann/.config/git", <openat2 ".config">, "git")',
    'close(<openat2 ".config">)',
    'openat2(AT_FDCWD, "/state/runs/1", {0x280000 0 6}, 24)',
    'openat2(<openat2 "/state/runs/1">, ".", {0x280000 0 22}, 24)',
    'mkdirat(<openat2 ".">, "bin", 493) or ignore',
    'close(<openat2 ".">)',
    'openat2(<openat2 "/state/runs/1">, "bin", {0x280000 0 22}, 24)',
    'readlinkat(<openat2 "bin">, "claude", &w7, 8) or L5',
    'unlinkat(<openat2 "bin">, "claude") or ignore',
    'L5:',
    'symlinkat("/opt/claude", <openat2 "bin">, "claude")',
    'close(<openat2 "bin">)',
    'prlimit64(0, 7, {9 9})',
    'prlimit64(0, 4, {0 0})',
    'prctl(38, 1)',
    'prctl(36, 1) or ignore',
    'write(3, 06000000000000000000000000000000, 16)',
  ];
  expect(lines.slice(start, start + inner.length)).toEqual(inner);
});

test('nothing is asked of the kernel that would confine the command, but that it gains no privileges', () => {
  expect(lines.filter((line) => /^(unshare|landlock|seccomp|capset|mount|chroot|pivot_root)/.test(line))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('prctl(38'))).toEqual(['prctl(38, 1)']);
});

test('the group of the command is killed when it has ended, and when the launcher has', () => {
  const kills = lines.flatMap((line, index) => (/^kill\(w\d+, 9\) or ignore$/.test(line) ? [lines[index - 1]] : []));
  expect(kills.map((line) => line?.replace(/^w\d+ /, ''))).toEqual(['= 0 - <clone>', '= 0 - <clone>']);
  expect(lines.filter((line) => line.startsWith('prctl(1, '))).toEqual(['prctl(1, 16)', 'prctl(1, 16)']);
});

test('a link outside of the folders of the run is not made', () => {
  const stray = { kind: 'link', target: '/home/ann/.bashrc', text: '/x', why: '' } as const;
  const all = disassemble(renderPortableProgram({ ...plan, mounts: [stray] }, 'x64'), 'x64');
  expect(all.filter((line) => line.startsWith('symlinkat') || line.startsWith('openat2'))).toEqual([]);
});
