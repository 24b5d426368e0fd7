import type { Plan } from '../../domain/plan.ts';
import { PR_SET_CHILD_SUBREAPER } from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Program } from '../../syscall/program.ts';
import { renderBase } from '../program/base.ts';
import { forbidNewPrivileges, setLimits } from '../program/confine.ts';
import { linkFolders } from '../program/links.ts';
import { renderRun } from '../program/run.ts';
import { sweepGroup } from '../program/supervise.ts';

/** Renders a plan as the program of the portable rung: environment, links and limits, and nothing that the kernel would enforce beside. */
export const renderPortableProgram = (plan: Plan, arch: Arch): Program =>
  renderLimited(plan, arch, (program) => linkFolders(program, plan));

/** Renders what the commands of one sandbox share: the links in its folders. */
export const renderPortableBase = (plan: Plan, arch: Arch): Program =>
  renderBase(plan, arch, { outer: () => undefined, inner: (program) => linkFolders(program, plan) });

/** Renders a plan as the program of one command of such a sandbox. */
export const renderPortableCommand = (plan: Plan, arch: Arch): Program => renderLimited(plan, arch, () => {});

const renderLimited = (plan: Plan, arch: Arch, prepare: (program: Program) => void): Program =>
  renderRun(plan, arch, {
    outer: () => {},
    inner: (program) => {
      prepare(program);
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
