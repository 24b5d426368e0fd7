import { O_CLOEXEC, O_WRONLY } from '../../syscall/constants.ts';
import type { Value } from '../../syscall/program.ts';
import type { StepProgram } from './step.ts';

/** Writes a text to an existing file below an open folder, in one write as the files of /proc want it. */
export const writeFile = (program: StepProgram, folder: Value, path: string, text: string, goal: string): void => {
  const note = (call: string) => ({ note: { goal, call: `${call} ${path}` } });
  const file = program.call('openat', [folder, program.string(path), O_WRONLY | O_CLOEXEC, 0], note('open'));
  program.call('write', [file, program.string(text), Buffer.byteLength(text)], note('write'));
  program.call('close', [file]);
};
