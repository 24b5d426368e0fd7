import { constants } from 'node:os';
import { type ErrorCode, exitCode, SboxError } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';
import { steps } from '../domain/steps.ts';
import type { Step } from '../syscall/program.ts';
import type { ProgramRecord } from '../syscall/records.ts';

/** The name of an error number, as in errno(3). */
export const errnoName = (errno: number): string => {
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
};

/** What a failed call means to the operator. */
export const explainFailure = (step: Step | undefined, errno: number): SboxError => {
  const name = errnoName(errno);
  const goal = step?.goal ?? 'set the sandbox up';
  const known = causes.find(
    (cause) => cause.goal.test(goal) && (cause.errnos.length === 0 || cause.errnos.includes(name)),
  );
  return new SboxError({
    code: known?.code ?? 'SBOX_E_SETUP',
    message: `cannot ${goal}: ${name}`,
    cause: known?.cause ?? `${step?.call ?? 'a system call'} failed: ${describeErrno(errno)}`,
    ...(known && { fix: known.fix }),
  });
};

interface Cause {
  readonly goal: RegExp;
  readonly errnos: readonly string[];
  readonly code: ErrorCode;
  readonly cause: string;
  readonly fix: string;
}

/** What is done with Landlock on the way to a command (landlock/program.ts), and to find out whether it works. */
const landlockGoal = /Landlock|^keep signals inside|^confine the command/;

const causes: readonly Cause[] = [
  {
    goal: /user namespace/,
    errnos: ['ENOSPC'],
    code: 'SBOX_E_USERNS_DENIED',
    cause: 'user.max_user_namespaces is 0, or so many exist already',
    fix: 'ask the administrator: sysctl -w user.max_user_namespaces=10000',
  },
  {
    goal: /user namespace/,
    errnos: ['EPERM', 'ENOSYS', 'EINVAL'],
    code: 'SBOX_E_USERNS_DENIED',
    cause: "a container's system-call filter or kernel.unprivileged_userns_clone=0 refuses them",
    fix: `${steps.allowCalls}; on a host: sysctl -w kernel.unprivileged_userns_clone=1`,
  },
  {
    goal: /^(map the|follow|put the root|raise|set the host name)/,
    errnos: ['EPERM', 'EACCES', 'EROFS'],
    code: 'SBOX_E_USERNS_DENIED',
    cause:
      'a security module gives user namespaces no powers (kernel.apparmor_restrict_unprivileged_userns=1 on Ubuntu)',
    fix: steps.looseAppArmor,
  },
  {
    goal: /^mount "\/proc"/,
    errnos: ['EPERM'],
    code: 'SBOX_E_SETUP',
    cause: "the container's /proc is masked, so the kernel gives no fresh one",
    fix: steps.showProc,
  },
  {
    goal: /^enter the root/,
    errnos: ['EPERM'],
    code: 'SBOX_E_SETUP',
    cause: "a container's system-call filter refuses pivot_root",
    fix: steps.allowCalls,
  },
  {
    goal: /^start the /,
    errnos: ['EAGAIN'],
    code: 'SBOX_E_SETUP',
    cause: 'the limit of processes is reached; without namespaces, all processes of the user count',
    fix: 'choose a higher --processes, or leave it out',
  },
  {
    goal: /^link /,
    errnos: ['EEXIST', 'ELOOP'],
    code: 'SBOX_E_MOUNT',
    cause: "something that a command made stands there in the sandbox's HOME",
    fix: 'look at it with: sbox run -- ls -la ~; move it away there, or start anew: sbox list, sbox remove NAME',
  },
  {
    goal: /^limit /,
    errnos: ['EPERM'],
    code: 'SBOX_E_USAGE',
    cause: 'it is above the hard limit of this process',
    fix: 'choose a smaller value; ulimit -H -a shows the hard limits',
  },
  {
    goal: /^mount /,
    errnos: ['ELOOP'],
    code: 'SBOX_E_MOUNT',
    cause: 'a part of the path has become a symbolic link',
    fix: "if it lies in the sandbox's HOME, look at it with: sbox run -- ls -la; else name the real path",
  },
  {
    goal: /^mount /,
    errnos: ['ENOENT', 'ENOTDIR'],
    code: 'SBOX_E_MOUNT',
    cause: 'a part of the path went away or changed its kind since it was looked at',
    fix: 'run it again',
  },
  {
    goal: /system-call filter/,
    errnos: ['EINVAL', 'ENOSYS'],
    code: 'SBOX_E_SETUP',
    cause: 'this kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)',
    fix: 'use a kernel that has them',
  },
  {
    goal: /system-call filter/,
    errnos: [],
    code: 'SBOX_E_SETUP',
    cause: "a container's system-call filter refuses seccomp",
    fix: steps.allowCalls,
  },
  {
    goal: landlockGoal,
    errnos: ['ENOSYS', 'ENOTSUP'],
    code: 'SBOX_E_SETUP',
    cause: "the kernel is older than Linux 5.13 or was booted without Landlock, or a container's filter hides it",
    fix: 'boot with landlock in lsm=, or update the container runtime',
  },
  {
    goal: landlockGoal,
    errnos: [],
    code: 'SBOX_E_SETUP',
    cause: "a container's system-call filter refuses Landlock",
    fix: steps.allowCalls,
  },
];

const describeErrno = (errno: number): string =>
  Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? String(errno);

/** Why a command could not be executed: 127 if it was not found, 126 if it was but may not or can't be executed. */
export const explainExec = (plan: Pick<Plan, 'command'>, errno: number): SboxError => {
  const name = errnoName(errno);
  const [command] = plan.command.argv;
  if (errno === constants.errno.ENOENT || errno === constants.errno.ENOTDIR || errno === 0) {
    return new SboxError({
      code: 'SBOX_E_NOT_FOUND',
      message: `cannot find "${command}" in the sandbox`,
      cause: command.includes('/')
        ? 'the file, or the interpreter that its first line names, is not visible inside'
        : 'no visible folder of PATH has it',
      fix: command.includes('/')
        ? `show it with --mount "${command}:ro", or look with: sbox plan -- ${command}`
        : `look at PATH and mounts with: sbox plan -- ${command}`,
      exitCode: exitCode.notFound,
    });
  }
  return new SboxError({
    code: 'SBOX_E_NOT_EXECUTABLE',
    message: `cannot execute "${command}": ${name}`,
    cause: execCauses[name] ?? describeErrno(errno),
    fix: `look at it with: ls -ld "${command}"; file "${command}"`,
    exitCode: exitCode.notExecutable,
  });
};

const execCauses: Readonly<Record<string, string>> = {
  EACCES: 'it is a directory, not executable for this user, or on a file system mounted noexec',
  ENOEXEC: 'its format is not one of this system',
  E2BIG: 'the arguments and the environment are too long together',
  ETXTBSY: 'it is open for writing',
};

/** The first failure that a program reported, as an error for the operator. */
export const findFailure = (
  records: readonly ProgramRecord[],
  plan: Pick<Plan, 'command'>,
  stepAt: (offset: number) => Step | undefined,
): SboxError | undefined => {
  for (const record of records) {
    if (record.kind === 'failed') return explainFailure(stepAt(record.offset), record.errno);
    if (record.kind === 'exec') return explainExec(plan, record.errno);
  }
  return undefined;
};
