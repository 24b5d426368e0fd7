import { O_CLOEXEC, O_WRONLY } from '../../syscall/constants.ts';
import type { Program, Value } from '../../syscall/program.ts';

/** Writes a text to an existing file below an open folder, in one write as the files of /proc want it. */
export const writeFile = (program: Program, folder: Value, path: string, text: string): void => {
  const file = program.call('openat', [folder, program.string(path), O_WRONLY | O_CLOEXEC, 0]);
  program.call('write', [file, program.string(text), Buffer.byteLength(text)]);
  program.call('close', [file]);
};
