import type { Plan } from '../../domain/plan.ts';
import { SIGKILL, SIGSTKFLT } from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { type Data, Program, type Slot } from '../../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../../syscall/records.ts';
import { channel } from './channel.ts';
import { executeCommand } from './execute.ts';
import { blockSignals, restoreSignals } from './signals.ts';
import {
  closeDescriptors,
  dieWithParent,
  fork,
  type LifeLine,
  releaseStreams,
  shield,
  superviseInside,
  superviseOutside,
} from './supervise.ts';
import { leadCommand, leadGroup, saveTerminal } from './terminal.ts';

/** What a rung adds to the three processes that every run on a kernel rung has. */
export interface Stages {
  /** in the outer supervisor, as the caller's user with the caller's view */
  readonly outer: (program: Program) => void;
  /** in the inner supervisor: everything up to the confinement that supervisor and command share */
  readonly inner: (program: Program) => void;
  /** in the command's process, just before the command is executed */
  readonly command: (program: Program) => void;
  /** in the outer supervisor, once the inner one has ended: kills what that has left behind because it was killed itself */
  readonly sweepOutside?: (program: Program) => void;
  /** kills whatever the command has left running; absent where a PID namespace does that */
  readonly sweep?: (program: Program, command: Slot) => void;
}

/**
 * Renders a plan as a program of three processes:
 *
 * 1. The outer supervisor, a child of the launcher: leaves its process group, then only passes signals on.
 * 2. The inner supervisor: makes the sandbox, gives up its powers, then reaps and reports.
 * 3. The command, in a process group of its own, so that kill(0, ...) inside reaches nothing outside.
 */
export const renderRun = (plan: Plan, arch: Arch, stages: Stages): Program => {
  const program = new Program(arch);
  const mask = blockSignals(program);
  closeDescriptors(program);
  leadGroup(program);
  const terminal = plan.terminal && saveTerminal(program, plan.terminal);
  stages.outer(program);
  // a signal that it takes, rather than its death: the terminal is given back before the end
  dieWithParent(program, channel, SIGSTKFLT);
  program.goal = 'start the inner supervisor';
  const inner = fork(program, (line) => renderInner(program, plan, stages, mask, line));
  shield(program);
  releaseStreams(program, plan.terminal?.fd);
  program.call('close', [channel]);
  const { timeoutMs } = plan.limits;
  const { sweepOutside } = stages;
  superviseOutside(program, {
    child: inner,
    terminal,
    timeoutMs,
    endAll: stages.sweep ? SIGSTKFLT : SIGKILL,
    ...(sweepOutside && { sweep: () => sweepOutside(program) }),
  });
  return program;
};

const renderInner = (program: Program, plan: Plan, stages: Stages, mask: Data, line: LifeLine): void => {
  const { sweep } = stages;
  dieWithParent(program, line, sweep ? SIGSTKFLT : SIGKILL);
  shield(program);
  stages.inner(program);
  program.goal = 'report to the launcher';
  program.call('write', [channel, program.bytes(renderRecord(recordTag.ready)), recordBytes]);
  program.goal = 'start the command';
  const command = fork(program, () => {
    stages.command(program);
    leadCommand(program, plan.terminal);
    restoreSignals(program, mask);
    executeCommand(program, plan.command, plan.env);
  });
  releaseStreams(program, plan.terminal?.fd);
  program.call('close_range', [channel + 1, 0xffff_ffff, 0]);
  superviseInside(program, {
    command,
    terminalFd: plan.terminal?.fd,
    ownPids: sweep === undefined,
    ...(sweep && { orphaned: SIGSTKFLT, sweep: () => sweep(program, command) }),
  });
};
