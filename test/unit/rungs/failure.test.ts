import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { SboxError } from '../../../src/domain/errors.ts';
import { errnoName, explainExec, explainFailure, findFailure } from '../../../src/rungs/failure.ts';
import { decodeStatus } from '../../../src/rungs/launch.ts';
import type { Step } from '../../../src/syscall/program.ts';

const { EACCES, E2BIG, EINVAL, ELOOP, ENOENT, ENOEXEC, ENOSPC, ENOSYS, ENOTDIR, EOPNOTSUPP, EPERM, EIO } =
  constants.errno;
const told = ({ code, message, reason, fix, exitCode }: SboxError) => ({ code, message, reason, fix, exitCode });

test('every error number of the system has its name, and one that it does not know is a number', () => {
  const numbers = [...new Set(Object.values(constants.errno))];
  for (const number of numbers) expect(constants.errno).toHaveProperty(errnoName(number), number);
  expect(errnoName(4095)).toBe('errno 4095');
});

test.each([
  [1, 'EPERM'],
  [2, 'ENOENT'],
  [7, 'E2BIG'],
  [8, 'ENOEXEC'],
  [13, 'EACCES'],
  [20, 'ENOTDIR'],
  [22, 'EINVAL'],
  [26, 'ETXTBSY'],
  [28, 'ENOSPC'],
  [30, 'EROFS'],
  [38, 'ENOSYS'],
  [40, 'ELOOP'],
])('errno %s is %s on every architecture of Linux that sbox knows', (errno, name) => {
  expect(errnoName(errno)).toBe(name);
});

describe('a failed call', () => {
  const userNamespace: Step = { goal: 'create a user namespace', call: 'unshare' };

  test.each<[string, Step['call'], number, string, string]>([
    ['create a user namespace', 'unshare', ENOSPC, 'SBOX_E_USERNS_DENIED', 'user.max_user_namespaces'],
    ['create a user namespace', 'unshare', EPERM, 'SBOX_E_USERNS_DENIED', 'unprivileged_userns_clone'],
    ['create a user namespace', 'unshare', ENOSYS, 'SBOX_E_USERNS_DENIED', 'unprivileged_userns_clone'],
    ['map the user', 'write', EPERM, 'SBOX_E_USERNS_DENIED', 'apparmor'],
    ['put the root together', 'mount', EACCES, 'SBOX_E_USERNS_DENIED', 'apparmor'],
    ['raise the loopback interface', 'ioctl', EPERM, 'SBOX_E_USERNS_DENIED', 'apparmor'],
    ['set the host name', 'sethostname', EPERM, 'SBOX_E_USERNS_DENIED', 'apparmor'],
    ['mount "/proc"', 'fsmount', EPERM, 'SBOX_E_SETUP', 'masked'],
    ['enter the root', 'pivot_root', EPERM, 'SBOX_E_SETUP', 'pivot_root'],
    ['mount "/home/ann/x"', 'openat2', ELOOP, 'SBOX_E_MOUNT', 'symbolic link'],
    ['mount "/home/ann/x"', 'openat2', ENOENT, 'SBOX_E_MOUNT', 'went away'],
    ['mount "/home/ann/x"', 'openat2', ENOTDIR, 'SBOX_E_MOUNT', 'went away'],
    ['install the system-call filter', 'seccomp', EINVAL, 'SBOX_E_SETUP', 'CONFIG_SECCOMP_FILTER'],
    ['install the system-call filter', 'seccomp', EPERM, 'SBOX_E_SETUP', 'seccomp=unconfined'],
    ['use Landlock', 'landlock_create_ruleset', ENOSYS, 'SBOX_E_SETUP', 'lsm='],
    ['use Landlock', 'landlock_create_ruleset', EOPNOTSUPP, 'SBOX_E_SETUP', 'lsm='],
    ['keep signals inside', 'landlock_restrict_self', EPERM, 'SBOX_E_SETUP', 'seccomp=unconfined'],
    ['confine the command', 'landlock_restrict_self', EACCES, 'SBOX_E_SETUP', 'seccomp=unconfined'],
  ])('%s: %s, errno %s is %s', (goal, call, errno, code, word) => {
    const error = explainFailure({ goal, call }, errno);
    expect(error).toMatchObject({ code, message: `cannot ${goal}: ${errnoName(errno)}`, exitCode: 125 });
    expect(`${error.reason} ${error.fix}`).toContain(word);
    expect(error.fix).not.toBe('');
  });

  test('that nothing is known of names call and error', () => {
    expect(told(explainFailure({ goal: 'go to "/x"', call: 'chdir' }, EIO))).toEqual({
      code: 'SBOX_E_SETUP',
      message: 'cannot go to "/x": EIO',
      reason: 'chdir failed: EIO',
      fix: undefined,
      exitCode: 125,
    });
  });

  test('of an unknown step is still an error', () => {
    expect(explainFailure(undefined, EIO)).toMatchObject({ message: 'cannot set the sandbox up: EIO' });
  });

  test('is the first that a program reported, with the step of its place', () => {
    const plan = { command: { argv: ['x'], candidates: ['/usr/bin/x'] } } as const;
    const records = [
      { kind: 'stopped', status: 0x137f },
      { kind: 'failed', offset: 64, errno: ENOSPC },
      { kind: 'exec', errno: ENOENT },
    ] as const;
    expect(findFailure(records, plan, (offset) => (offset === 64 ? userNamespace : undefined))?.code).toBe(
      'SBOX_E_USERNS_DENIED',
    );
    expect(findFailure([records[2]], plan, () => undefined)?.code).toBe('SBOX_E_NOT_FOUND');
    expect(findFailure([records[0]], plan, () => undefined)).toBeUndefined();
  });
});

describe('a command that can not be executed', () => {
  const plan = (name: string) => ({ command: { argv: [name], candidates: [name] } }) as const;

  test.each([ENOENT, ENOTDIR, 0])('is not found with errno %s: 127', (errno) => {
    expect(explainExec(plan('claude'), errno)).toMatchObject({
      code: 'SBOX_E_NOT_FOUND',
      message: 'cannot find "claude" in the sandbox',
      reason: 'no visible folder of PATH has it',
      exitCode: 127,
    });
    expect(explainExec(plan('./claude'), errno)).toMatchObject({
      exitCode: 127,
      fix: expect.stringContaining('--mount'),
    });
  });

  test.each<[number, string, string]>([
    [EACCES, 'EACCES', 'it is a directory, not executable for this user, or on a file system mounted noexec'],
    [ENOEXEC, 'ENOEXEC', 'its format is not one of this system'],
    [E2BIG, 'E2BIG', 'the arguments and the environment are too long together'],
    [EIO, 'EIO', 'EIO'],
  ])('is not executable with errno %s: 126', (errno, name, reason) => {
    expect(explainExec(plan('x'), errno)).toMatchObject({
      code: 'SBOX_E_NOT_EXECUTABLE',
      message: `cannot execute "x": ${name}`,
      reason,
      exitCode: 126,
    });
  });
});

describe('a status as wait(2) encodes it', () => {
  test.each([0, 1, 42, 125, 126, 127, 128, 255])('exit %s stays as it is', (code) => {
    expect(decodeStatus(code << 8)).toEqual({ exitCode: code });
  });

  test.each<[number, string | undefined]>([
    [1, 'SIGHUP'],
    [9, 'SIGKILL'],
    [11, 'SIGSEGV'],
    [15, 'SIGTERM'],
    [31, 'SIGSYS'],
    [34, undefined],
    [64, undefined],
  ])('signal %s is 128 more', (number, signal) => {
    const expected = { exitCode: 128 + number, ...(signal !== undefined && { signal }) };
    expect(decodeStatus(number)).toEqual(expected);
    expect(decodeStatus(number | 0x80)).toEqual(expected); // dumped core
  });
});
