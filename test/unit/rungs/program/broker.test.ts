import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../../src/domain/plan.ts';
import { planRun } from '../../../../src/plan/plan.ts';
import { renderLandlockProgram } from '../../../../src/rungs/landlock/program.ts';
import { renderNamespaceProgram } from '../../../../src/rungs/namespaces/program.ts';
import type { Program } from '../../../../src/syscall/program.ts';
import { disassemble } from '../../../support/disassemble.ts';
import { anInvocation, aProfile, capabilities, facts } from '../../../support/plan-builders.ts';
import { syscallName } from '../../../support/syscall-names.ts';

const aPlan = (network: Plan['network']['mode'] = 'limited'): Plan => ({
  ...planRun(aProfile(), anInvocation({ network }), facts({ capabilities: capabilities({ listener: true }) })),
  mounts: [],
  env: {},
});
const onNamespaces = (plan = aPlan()): Program =>
  renderNamespaceProgram(
    { ...plan, mechanism: { kind: 'namespaces', root: 'pivot', proc: 'fresh' } },
    { arch: 'x64', landlockAbi: 7, scaffold: '/tmp' },
  );
const onLandlock = (namespaces: boolean, plan = aPlan()): Program =>
  renderLandlockProgram({ ...plan, rung: 'landlock', mechanism: { kind: 'landlock', abi: 6, namespaces } }, 'x64');

/** Without the names of words and of places. */
const linesOf = (program: Program): string[] =>
  disassemble(program, 'x64').map((line) => line.replace(/\bw\d+/g, 'w').replace(/\bL\d+/g, 'L'));

/** From the line after the n-th that begins so, so many lines. */
const partFrom = (lines: readonly string[], from: string, like: readonly string[], nth = 0): string[] => {
  const starts = lines.flatMap((line, index) => (line.startsWith(from) ? [index] : []));
  const start = starts[nth] ?? lines.length;
  return lines.slice(start, start + like.length);
};

/** The broker in the launcher's namespaces, and what the outer supervisor lets go of. */
const outside = [
  'socketpair(1, 0x80005, 0, {0})',
  'w = w & 0xffffffff',
  'pipe2({0}, 0x80000)',
  'w = w & 0xffffffff',
  'clone(17)',
  'go to L if <clone> = 0',
  'go to L',
  'L:',
  'close(w)',
  'close(w)',
  'close(5)',
  'L:',
  'go to L if w(48) = 0',
  'w = w - 1',
  'prctl(24, w) or ignore',
  'go to L',
  'L:',
  'prctl(47, 4)',
  'capset({0x20080522}, {0 0 0})',
  'prctl(38, 1)',
  'prctl(1, 9)',
  'w = w & -1',
  'ppoll(&w, 1, {0 0})',
  'go to L if <ppoll> = 0',
  'exit_group(1)',
  'L:',
  'prctl(4)',
  'close(0) or ignore',
  'close(1) or ignore',
  'close(2) or ignore',
  'mmap(0x20000000, 0x10000, 3, 50, -1)',
  'dup3(4, 3, 0x80000)',
  'epoll_create1(0x80000)',
  'epoll = <epoll_create1> & -1',
  'recvmsg(w, &w, 0x40000000) or L',
  'go to L if <recvmsg> = 0',
  'close(w)',
  'w = w & 0xffffffff',
  'listener = w & -1',
  'entry = 0x20000040 & -1',
  'w = 4 & -1',
  'epoll_ctl(epoll, 1, 4, &w(1))',
  'w = listener & -1',
  'epoll_ctl(epoll, 1, listener, &w)',
  'L:',
  'returnTo = L',
  'epoll_pwait(epoll, &w, 1, -1, 0, 8) or L',
  'go to L if w = 4',
  'go to L if w = listener',
  'w = w & -1',
  'w = 32 & -1',
  'recvfrom(w, &w, 1536, 64, &w, &w) or L',
  'go to L if <recvfrom> = 0',
  'w(1584) = <recvfrom> - -48',
  'w = <recvfrom> - -64',
  'write(4, &w(2), w) or ignore',
  'go to L',
  'L:',
  'close(w) or ignore',
  'go to L',
  'L:',
  'w = w & 16',
  'go to L if w = 16',
  'w = 0 & 0',
  'w = 0 & 0',
  'w = 0 & 0',
  'w = 0 & 0',
  'w = 0 & 0',
  'w = 0 & 0',
  'w = 0 & 0',
  'w = 0 & 0',
  'w = 0 & 0',
  'w = 0 & 0',
  'ioctl(listener, 0xc0502100, &w) or L',
  'write(4, 010000000000000050000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000, 96) or ignore',
  'go to L',
  'L:',
  'recvfrom(4, &w, 8, 256, 0, 0) or L',
  'go to L if <recvfrom> = 0',
  'recvfrom(4, a batch, w, 256, 0, 0) or L',
  'go to what entry holds',
  'L:',
  'exit_group()',
  'L:',
  'close(w)',
  'close(w)',
  'close(4)',
];

/** The broker in the sandbox's network, with a name server. */
const inside = [
  'socketpair(1, 0x80005, 0, {0})',
  'w = w & 0xffffffff',
  'pipe2({0}, 0x80000)',
  'w = w & 0xffffffff',
  'clone(17)',
  'go to L if <clone> = 0',
  'go to L',
  'L:',
  'close(w)',
  'close(w)',
  'close(0) or ignore',
  'close(1) or ignore',
  'close(2) or ignore',
  'mmap(0x20000000, 0x10000, 3, 50, -1)',
  'dup3(5, 3, 0x80000)',
  'epoll_create1(0x80000)',
  'epoll = <epoll_create1> & -1',
  'recvmsg(w, &w, 0x40000000) or L',
  'go to L if <recvmsg> = 0',
  'close(w)',
  'w = w & 0xffffffff',
  'listener = w & -1',
  'entry = 0x20000040 & -1',
  'w = 5 & -1',
  'epoll_ctl(epoll, 1, 5, &w(1))',
  'w = <socket> & -1',
  'epoll_ctl(epoll, 1, <socket>, &w)',
  'L:',
  'returnTo = L',
  'epoll_pwait(epoll, &w, 1, -1, 0, 8) or L',
  'go to L if w = 5',
  'w = w & -1',
  'w = 32 & -1',
  'recvfrom(w, &w, 1536, 64, &w, &w) or L',
  'go to L if <recvfrom> = 0',
  'L:',
  'w(1584) = <recvfrom> - -48',
  'w = <recvfrom> - -64',
  'write(5, &w(2), w) or ignore',
  'go to L',
  'L:',
  'go to L if w = <socket>',
  'close(w) or ignore',
  'go to L',
  'L:',
  'recvfrom(5, &w, 8, 256, 0, 0) or L',
  'go to L if <recvfrom> = 0',
  'recvfrom(5, a batch, w, 256, 0, 0) or L',
  'go to what entry holds',
  'L:',
  'exit_group()',
  'L:',
  'close(w)',
  'close(w)',
  'close(5)',
];

/** The command's process: what is trapped, in so many instructions, and to how many brokers it is handed. */
const handOver = (instructions: number, brokers: number) => [
  'setsid()',
  `seccomp(1, 44, filter of ${instructions}) or L`,
  'go to L',
  'L:',
  `seccomp(1, 12, filter of ${instructions})`,
  'L:',
  'w = <seccomp> & -1',
  ...new Array<string>(brokers).fill('sendmsg(w, &w)'),
  'close(<seccomp>)',
  'rt_sigprocmask(2, {0}, 0, 8)',
];

describe.each([
  ['namespaces', onNamespaces(), 4],
  ['landlock with namespaces', onLandlock(true), 4],
] as const)('on %s', (_, program, instructions) => {
  const lines = linesOf(program);

  test('a broker outside is started before any namespace is made', () => {
    expect(partFrom(lines, 'socketpair', outside)).toEqual(outside);
    expect(lines.findIndex((line) => line.startsWith('unshare'))).toBeGreaterThan(lines.indexOf('exit_group()'));
  });

  test('one inside is started once supervisor and command are confined', () => {
    expect(partFrom(lines, 'socketpair', inside, 1)).toEqual(inside);
    const filter = lines.findIndex((line) => line.startsWith('seccomp(1, 4,'));
    expect(lines.findIndex((line, index) => index > filter && line.startsWith('socketpair'))).toBe(filter + 1);
  });

  test('the command hands over its connections last of all', () => {
    const expected = handOver(instructions, 2);
    expect(partFrom(lines, 'setsid', expected)).toEqual(expected);
    expect(lines[lines.lastIndexOf('rt_sigprocmask(2, {0}, 0, 8)') + 1]).toMatch(/^execve/);
  });

  test('the name server listens where the capability for its port is still there', () => {
    const bind = lines.findIndex((line) => line.startsWith('bind(<socket>'));
    expect(bind).toBeGreaterThan(0);
    expect(bind).toBeLessThan(lines.findIndex((line, index) => index > bind && line.startsWith('capset')));
  });

  test('the channels are kept from what is executed, and all above them closed', () => {
    expect(lines.slice(1, 5)).toEqual([
      'close_range(6, 0xffffffff)',
      'fcntl(3, 2, 1)',
      'fcntl(4, 2, 1)',
      'fcntl(5, 2, 1)',
    ]);
  });
});

describe("on landlock with the host's network", () => {
  const lines = linesOf(onLandlock(false));

  test('the broker outside is the only one', () => {
    expect(partFrom(lines, 'socketpair', outside)).toEqual(outside);
    expect(lines.filter((line) => line.startsWith('socketpair'))).toHaveLength(1);
  });

  test('what makes sockets, and servers of them, is handed over, too', () => {
    const expected = handOver(15, 1);
    expect(partFrom(lines, 'setsid', expected)).toEqual(expected);
  });

  test('no name server listens on the loopback of the host', () => {
    expect(lines.filter((line) => line.startsWith('bind('))).toEqual([]);
  });
});

test.each([
  ['namespaces', onNamespaces(aPlan('none'))],
  ['landlock', onLandlock(true, aPlan('none'))],
] as const)('on %s without a network names are asked of nobody, though connections are decided on', (_, program) => {
  const lines = linesOf(program);
  expect(lines.filter((line) => line.startsWith('bind('))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('mmap('))).toHaveLength(2);
});

test.each([
  ['namespaces', onNamespaces(aPlan('full'))],
  ['landlock', onLandlock(true, aPlan('full'))],
] as const)('on %s with the network of the host there is no broker', (_, program) => {
  expect(linesOf(program).filter((line) => /^(socketpair|mmap|sendmsg|seccomp\(1, 44)/.test(line))).toEqual([]);
});

test('strict hiding on the network of the host listens for no names, which would be its own', () => {
  const lines = linesOf(onLandlock(true, { ...aPlan('full'), broker: true, hidePaths: true }));
  expect(lines.filter((line) => line.startsWith('bind('))).toEqual([]);
});

test.each([onNamespaces(), onLandlock(true), onLandlock(false)])(
  'every call that ends the run when it fails says what it was for',
  (program) => {
    const bytes = program.render().subarray(8);
    const ending = Array.from({ length: program.here().at ?? 0 }, (_, index) => index * 64).filter(
      (at) => bytes.readUInt32LE(at) < 0x8000_0000 && bytes.readUInt32LE(at + 56) === 0,
    );
    expect(ending.length).toBeGreaterThan(50);
    expect(ending.filter((at) => (program.stepAt(at)?.goal ?? '') === '')).toEqual([]);
    expect(ending.filter((at) => program.stepAt(at)?.call !== syscallName('x64', bytes.readUInt32LE(at)))).toEqual([]);
  },
);
