import { describe, expect, test } from 'vitest';
import { bareNetwork } from '../../../../src/domain/network.ts';
import { planRun } from '../../../../src/plan/plan.ts';
import type { NamespacePlan } from '../../../../src/rungs/namespaces/plan.ts';
import { renderNamespaceBase, renderNamespaceCommand } from '../../../../src/rungs/namespaces/program.ts';
import { sharedNamespaces } from '../../../../src/rungs/program/namespaces.ts';
import { disassemble } from '../../../support/disassemble.ts';
import { anInvocation, aProfile, facts } from '../../../support/plan-builders.ts';

const host = { arch: 'x64', landlockAbi: 7, scaffold: '/tmp' } as const;

const aPlan = (changes: Partial<NamespacePlan> = {}): NamespacePlan => ({
  ...planRun(aProfile(), anInvocation(), facts()),
  mechanism: { kind: 'namespaces', root: 'pivot', proc: 'fresh' },
  mounts: [],
  env: {},
  command: { argv: ['true'], candidates: ['/usr/bin/true'] },
  network: bareNetwork('none'),
  broker: false,
  ...changes,
});

const baseOf = (plan: NamespacePlan) => disassemble(renderNamespaceBase(plan, host), 'x64');
const commandOf = (plan: NamespacePlan) => {
  const first = plan.broker ? 6 : 4;
  const joined = sharedNamespaces(plan).map((_, index) => first + index);
  return disassemble(renderNamespaceCommand(plan, host, joined), 'x64');
};
const indexOf = (lines: readonly string[], start: string): number => lines.findIndex((line) => line.startsWith(start));

describe('what the commands of a sandbox share', () => {
  test('is made and reported, and then waits to be killed where nothing is served', () => {
    const lines = baseOf(aPlan());
    expect(indexOf(lines, 'unshare(0x7e020000)')).toBeGreaterThan(0);
    expect(indexOf(lines, 'pivot_root')).toBeGreaterThan(indexOf(lines, 'clone(17)'));
    expect(lines.filter((line) => line.startsWith('execve'))).toEqual([]);
    const end = lines.slice(indexOf(lines, 'write(3, 06'));
    expect(end.map((line) => line.replace(/L\d+/g, 'L'))).toEqual([
      'write(3, 06000000000000000000000000000000, 16)',
      'close(0) or ignore',
      'close(1) or ignore',
      'close(2) or ignore',
      'L:',
      'rt_sigtimedwait({-1}, 0, 0, 8) or L',
      'go to L',
    ]);
  });

  test('is out of reach and without powers before it serves anything', () => {
    const lines = baseOf(aPlan({ broker: true, network: bareNetwork('limited') }));
    const word = indexOf(lines, 'recvfrom(5');
    const [drop, shield, serve] = [
      indexOf(lines, 'capset'),
      indexOf(lines, 'prctl(4)'),
      indexOf(lines, 'epoll_create1'),
    ];
    expect(word).toBeGreaterThan(0);
    expect([word, drop, shield, serve]).toEqual([word, drop, shield, serve].toSorted((a, b) => a - b));
  });
});

describe('a command', () => {
  test('joins the user namespace first, closes each descriptor, and gets processes and mounts of its own', () => {
    expect(sharedNamespaces(aPlan())).toEqual(['user', 'ipc', 'uts', 'cgroup', 'mnt', 'net']);
    const lines = commandOf(aPlan());
    expect(lines[1]).toBe('close_range(10, 0xffffffff)');
    const from = indexOf(lines, 'setns(4)');
    expect(lines.slice(from, from + 13)).toEqual([
      ...[4, 5, 6, 7, 8, 9].flatMap((descriptor) => [`setns(${descriptor})`, `close(${descriptor})`]),
      'unshare(0x20020000)',
    ]);
  });

  test("shares the host's network where the sandbox does", () => {
    expect(sharedNamespaces(aPlan({ network: bareNetwork('full') }))).toEqual(['user', 'ipc', 'uts', 'cgroup', 'mnt']);
  });

  test('mounts its /proc, then is confined as a run is', () => {
    const lines = commandOf(aPlan());
    const order = [
      'unshare(',
      'fsopen("proc"',
      'chdir(',
      'capset(',
      'prctl(38',
      'landlock_restrict_self',
      'seccomp(',
      'execve(',
    ];
    const places = order.map((start) => indexOf(lines, start));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('leaves the /proc of a container as it is, and the mounts with it', () => {
    const lines = commandOf(aPlan({ mechanism: { kind: 'namespaces', root: 'pivot', proc: 'host' } }));
    expect(lines).toContain('unshare(0x20000000)');
    expect(indexOf(lines, 'fsopen("proc"')).toBe(-1);
  });

  test('does not let its broker outside keep the namespaces', () => {
    const lines = commandOf(aPlan({ broker: true, network: bareNetwork('limited') }));
    const broker = lines.slice(0, indexOf(lines, 'setns('));
    expect(broker).toEqual(expect.arrayContaining([6, 7, 8, 9, 10, 11].map((descriptor) => `close(${descriptor})`)));
  });
});
