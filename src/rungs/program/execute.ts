import type { Plan, PlannedCommand } from '../../domain/plan.ts';
import { AT_FDCWD, ERRNO, O_CLOEXEC } from '../../syscall/constants.ts';
import type { Label, Program } from '../../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../../syscall/records.ts';
import { channel } from './channel.ts';

const elfMagic = 0x464c_457f;

/** A program of another system is no script, although the kernel gives the same answer for both. */
const jumpIfBinary = (program: Program, path: string, target: Label): void => {
  const [head, text] = [program.words([0]), program.label()];
  const file = program.call('openat', [AT_FDCWD, program.string(path), O_CLOEXEC, 0], { onFailure: text });
  program.call('read', [file, head, 4], { onFailure: 'ignore' });
  program.call('close', [file]);
  program.jumpIfEqual(program.valueAt(head), elfMagic, target);
  program.place(text);
};

/**
 * Replaces the process by the command, looking for it as execvp(3) does, but inside the sandbox, where it counts. A file without
 * a known format is given to /bin/sh. If nothing can be executed, the launcher gets an `exec` record and the process ends.
 */
export const executeCommand = (program: Program, command: PlannedCommand, env: Plan['env']): void => {
  const vector = (texts: readonly string[]) => program.pointers(texts.map((text) => program.string(text)));
  const argv = vector(command.argv);
  const envp = vector(Object.entries(env).map(([name, value]) => `${name}=${value}`));
  const record = program.bytes(renderRecord(recordTag.exec));
  const outcome = program.valueAt(record, 8);
  const denied = program.slot();
  const report = program.label();
  const execute = (path: string, args: typeof argv) =>
    program.call('execve', [program.string(path), args, envp], { onFailure: 'ignore', into: outcome });
  for (const path of command.candidates) {
    const [asScript, asDenied, next] = [program.label(), program.label(), program.label()];
    execute(path, argv);
    program.jumpIfEqual(outcome, -ERRNO.ENOENT, next);
    program.jumpIfEqual(outcome, -ERRNO.ENOTDIR, next);
    program.jumpIfEqual(outcome, -ERRNO.EACCES, asDenied);
    program.jumpIfEqual(outcome, -ERRNO.ENOEXEC, asScript);
    program.jump(report);
    program.place(asScript);
    jumpIfBinary(program, path, report);
    execute('/bin/sh', vector(['sh', path, ...command.argv.slice(1)]));
    program.jump(report);
    program.place(asDenied);
    program.and(outcome, -1, denied);
    program.place(next);
  }
  program.jumpIfEqual(denied, 0, report);
  program.and(denied, -1, outcome); // a file that may not be executed says more than the last name that was missing
  program.place(report);
  program.call('write', [channel, record, recordBytes], { onFailure: 'ignore' });
  program.call('exit_group', [1]);
};
