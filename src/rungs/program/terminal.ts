import type { Terminal } from '../../domain/facts.ts';
import { ERRNO, TCGETS, TCSETS, TIOCGPGRP, TIOCSPGRP } from '../../syscall/constants.ts';
import type { Data, Program, Slot } from '../../syscall/program.ts';

/** Makes this process the leader of its own group. */
export const leadGroup = (program: Program): void => {
  program.goal = 'make a process group';
  program.call('setpgid', [0, 0]);
};

/**
 * Gives the command a process group of its own, and the terminal's foreground if the launcher has it. A run without a terminal gets a
 * session of its own: a command in the background can't take the terminal that the operator is typing at (setsid(2)).
 */
export const leadCommand = (program: Program, terminal: Terminal | undefined): void => {
  program.goal = 'make a process group for the command';
  if (terminal === undefined) {
    program.call('setsid', []);
    return;
  }
  program.call('setpgid', [0, 0]);
  if (!terminal.foreground || !terminal.exclusive) return; // it is handed over when the command asks for it
  const group = program.words([0]);
  program.call('getpid', [], { into: program.valueAt(group) });
  program.call('ioctl', [terminal.fd, TIOCSPGRP, group], { onFailure: 'ignore' });
};

/** A terminal with what is needed to give it back. */
export interface OuterTerminal {
  readonly fd: number;
  /** the launcher's process group */
  readonly processGroup: number;
  /** struct termios of the kernel: 36 bytes */
  readonly modes: Data;
}

/** Keeps the terminal's modes. */
export const saveTerminal = (program: Program, { fd, processGroup }: Terminal): OuterTerminal => {
  const modes = program.bytes(Buffer.alloc(64));
  program.call('ioctl', [fd, TCGETS, modes], { onFailure: 'ignore' });
  return { fd, processGroup, modes };
};

/** Gives the terminal back: its modes if the command was killed, its foreground if it is held by a group that is gone. */
export const returnTerminal = (program: Program, terminal: OuterTerminal, status: Slot): void => {
  const [done, restore] = [program.label(), program.label()];
  const group = program.words([0]);
  program.call('ioctl', [terminal.fd, TIOCGPGRP, group], { onFailure: done });
  const holder = program.subtract(0, program.valueAt(group));
  // of all answers, this one alone says that it is gone: a group of the sandbox's
  program.jumpIfEqual(program.call('kill', [holder, 0], { onFailure: 'ignore' }), -ERRNO.ESRCH, restore);
  program.jump(done);
  program.place(restore);
  program.call('ioctl', [terminal.fd, TIOCSPGRP, program.words([terminal.processGroup])], { onFailure: 'ignore' });
  program.jumpIfEqual(status, 0, done);
  program.call('ioctl', [terminal.fd, TCSETS, terminal.modes], { onFailure: 'ignore' });
  program.place(done);
};
