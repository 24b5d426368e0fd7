import type { Plan } from '../../domain/plan.ts';
import {
  CAPABILITY_VERSION,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAPBSET_DROP,
  PR_SET_NO_NEW_PRIVS,
  RLIMIT,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_SET_MODE_FILTER,
} from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Program } from '../../syscall/program.ts';
import { renderSeccompFilter, type SeccompOptions } from '../../syscall/seccomp.ts';

/** One past the highest capability that a kernel may know; the ones that it does not know are passed over. */
const capabilities = 48;

/** Sets the limits of this process and of all that it starts (setrlimit(2)); core dumps are off. */
export const setLimits = (program: Program, { limits, openFiles }: Pick<Plan, 'limits' | 'openFiles'>): void => {
  const wanted: readonly [string, number, number | undefined][] = [
    ['memory', RLIMIT.DATA, limits.memoryBytes],
    ['processes', RLIMIT.NPROC, limits.processes],
    ['open files', RLIMIT.NOFILE, limits.openFiles],
    ['file size', RLIMIT.FSIZE, limits.fileSizeBytes],
    ['core', RLIMIT.CORE, 0],
  ];
  for (const [name, resource, value] of wanted) {
    if (value === undefined) continue;
    program.goal = `limit ${name} to ${value}`;
    program.call('prlimit64', [0, resource, program.words([value, value]), 0]);
  }
  if (openFiles) {
    const pair = program.words([openFiles.soft, openFiles.hard]);
    program.call('prlimit64', [0, RLIMIT.NOFILE, pair, 0], { onFailure: 'ignore' });
  }
};

/** Gives up every capability, now and for whatever is executed later (capabilities(7)). */
export const dropCapabilities = (program: Program): void => {
  program.goal = 'drop capabilities';
  const remaining = program.valueAt(program.words([capabilities]));
  const [again, done] = [program.here(), program.label()];
  program.jumpIfEqual(remaining, 0, done);
  program.subtract(remaining, 1, remaining);
  program.call('prctl', [PR_CAPBSET_DROP, remaining], { onFailure: 'ignore' });
  program.jump(again);
  program.place(done);
  program.call('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0]);
  program.call('capset', [program.words([CAPABILITY_VERSION]), program.words([0, 0, 0])]);
};

/** What is executed from now on gains nothing by being setuid; the condition of filters and Landlock (prctl(2)). */
export const forbidNewPrivileges = (program: Program): void => {
  program.goal = 'forbid new privileges';
  program.call('prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]);
};

/** Installs the filter (seccomp(2)); it binds this process and all that it starts. */
export const installFilter = (program: Program, arch: Arch, options: SeccompOptions): void => {
  program.goal = 'install the system-call filter';
  const filter = renderSeccompFilter(arch, options);
  const description = program.words([filter.length / 8, program.bytes(filter)]); // struct sock_fprog
  program.call('seccomp', [SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, description]);
};
