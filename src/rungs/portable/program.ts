import type { Plan } from '../../domain/plan.ts';
import { PR_SET_CHILD_SUBREAPER } from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Program } from '../../syscall/program.ts';
import { forbidNewPrivileges, setLimits } from '../program/confine.ts';
import { linkFolders } from '../program/links.ts';
import { renderRun } from '../program/run.ts';
import { sweepGroup } from '../program/supervise.ts';

/** Renders a plan as the program of the portable rung: environment, links and limits, and nothing that the kernel would enforce beside. */
export const renderPortableProgram = (plan: Plan, arch: Arch): Program =>
  renderRun(plan, arch, {
    outer: () => {},
    inner: (program) => {
      linkFolders(program, plan);
      setLimits(program, plan);
      forbidNewPrivileges(program); // a setuid program could raise the limits
      program.call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0], { onFailure: 'ignore' });
    },
    command: (program) => {
      program.goal = `go to "${plan.cwd}"`;
      program.call('chdir', [program.string(plan.cwd)]);
    },
    sweep: sweepGroup,
  });
