import { SIG_BLOCK, SIG_SETMASK, SIGSET_BYTES } from '../../syscall/constants.ts';
import type { Data, Label, Program, Slot } from '../../syscall/program.ts';

/** The signals are taken by rt_sigtimedwait(2), never by a disposition: an init's blocked signals stay pending (pid_namespaces(7)). */
const everySignal = 0xffff_ffff_ffff_ffffn;

/** Blocks every signal and returns the mask that the command gets back. */
export const blockSignals = (program: Program): Data => {
  const before = program.words([0]);
  const mask = program.words([everySignal]);
  program.goal = 'block signals';
  program.call('rt_sigprocmask', [SIG_BLOCK, mask, before, SIGSET_BYTES]);
  return before;
};

export const restoreSignals = (program: Program, mask: Data): void => {
  program.goal = 'restore signals';
  program.call('rt_sigprocmask', [SIG_SETMASK, mask, 0, SIGSET_BYTES]);
};

/** Waits for any signal; `info` gets its siginfo_t. */
export const nextSignal = (program: Program, again: Label, info: Data | 0 = 0): Slot =>
  program.call('rt_sigtimedwait', [program.words([everySignal]), info, 0, SIGSET_BYTES], { onFailure: again });
