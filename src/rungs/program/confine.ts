import type { Limits } from '../../domain/limits.ts';
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
import { renderSeccompFilter, type SeccompOptions } from '../../syscall/seccomp.ts';
import type { StepProgram } from './step.ts';

/** One past the highest capability that a kernel may know; the ones that it does not know are passed over. */
const capabilities = 48;

/** Sets the limits of this process and of all that it starts (setrlimit(2)); core dumps are off. */
export const setLimits = (program: StepProgram, limits: Limits): void => {
  const wanted: readonly [string, number, number | undefined][] = [
    ['memory', RLIMIT.DATA, limits.memoryBytes],
    ['processes', RLIMIT.NPROC, limits.processes],
    ['open files', RLIMIT.NOFILE, limits.openFiles],
    ['file size', RLIMIT.FSIZE, limits.fileSizeBytes],
    ['core', RLIMIT.CORE, 0],
  ];
  for (const [name, resource, value] of wanted) {
    if (value === undefined) continue;
    const note = { goal: `limit ${name} to ${value}`, call: 'prlimit64' };
    program.call('prlimit64', [0, resource, program.words([value, value]), 0], { note });
  }
};

/** Gives up every capability, now and for whatever is executed later (capabilities(7)). */
export const dropCapabilities = (program: StepProgram): void => {
  const note = { goal: 'drop capabilities', call: 'capset' };
  const remaining = program.valueAt(program.words([capabilities]));
  const [again, done] = [program.here(), program.label()];
  program.jumpIfEqual(remaining, 0, done);
  program.subtract(remaining, 1, remaining);
  program.call('prctl', [PR_CAPBSET_DROP, remaining], { onFailure: 'ignore' });
  program.jump(again);
  program.place(done);
  program.call('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0], { note });
  program.call('capset', [program.words([CAPABILITY_VERSION]), program.words([0, 0, 0])], { note });
};

/** What is executed from now on gains nothing by being setuid; the condition of filters and Landlock (prctl(2)). */
export const forbidNewPrivileges = (program: StepProgram): void => {
  program.call('prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0], { note: { goal: 'forbid new privileges', call: 'prctl' } });
};

/** Installs the filter (seccomp(2)); it binds this process and all that it starts. */
export const installFilter = (program: StepProgram, arch: Arch, options: SeccompOptions): void => {
  const filter = renderSeccompFilter(arch, options);
  const description = program.words([filter.length / 8, program.bytes(filter)]); // struct sock_fprog
  program.call('seccomp', [SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, description], {
    note: { goal: 'install the system-call filter', call: 'seccomp' },
  });
};
