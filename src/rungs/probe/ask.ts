import type { Refusal } from '../../domain/facts.ts';
import type { Plan } from '../../domain/plan.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { Program, type Slot } from '../../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../../syscall/records.ts';
import { type LaunchEnd, launchProgram } from '../launch.ts';
import { channel } from '../program/channel.ts';

/** Runs a probing program in a child. */
export const askKernel = (arch: Arch, executable: string, build: (program: Program) => void): Promise<LaunchEnd> => {
  const program = new Program(arch);
  build(program);
  program.call('exit_group', [0]);
  return launchProgram({ executable, program, stdio: quiet, plan: { command: nothing } }).ended;
};

/** Tells the launcher a value; it gets them in the order in which they are told. */
export const answer = (program: Program, value: Slot): void => {
  const record = program.bytes(renderRecord(recordTag.answer));
  program.and(value, -1, program.valueAt(record, 8));
  program.call('write', [channel, record, recordBytes]);
};

/** Why a probe failed. */
export const refusalOf = (end: LaunchEnd): Refusal =>
  end.kind === 'failure'
    ? {
        message: end.error.message.replace(/^cannot /, "can't "),
        cause: end.error.reason ?? '',
        fix: end.error.fix ?? '',
      }
    : { message: 'the probe failed', cause: 'unknown', fix: 'report it' };

export const quiet = ['ignore', 'ignore', 'ignore'] as const;
export const nothing: Plan['command'] = { argv: ['probe'], candidates: [] };
