import {
  F_SETFD,
  FD_CLOEXEC,
  PR_SET_DUMPABLE,
  PR_SET_PDEATHSIG,
  SIG_BLOCK,
  SIG_SETMASK,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSET_BYTES,
  SIGTTOU,
  TCGETS,
  TCSETS,
  TIOCGPGRP,
  TIOCSPGRP,
  WNOHANG,
  WUNTRACED,
} from '../../syscall/constants.ts';
import type { Data, Slot } from '../../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../../syscall/records.ts';
import { channel, type StepProgram } from './step.ts';

/**
 * Signals between the launcher and the two supervising processes: every signal that the launcher sends to the outer one arrives at
 * the command, but for two that the inner one acts on: `resume` continues the command in the background, `foreground` gives
 * it the terminal first.
 */
export const controlSignal = { resume: 'SIGCONT', foreground: 'SIGTTOU' } as const;

/** The signals are taken by rt_sigtimedwait(2), never by a disposition: an init's blocked signals stay pending (pid_namespaces(7)). */
const everySignal = 0xffff_ffff_ffff_ffffn;

/** Blocks every signal and returns the mask that the command gets back. */
export const blockSignals = (program: StepProgram): Data => {
  const before = program.words([0]);
  const mask = program.words([everySignal]);
  program.call('rt_sigprocmask', [SIG_BLOCK, mask, before, SIGSET_BYTES], note('block signals', 'rt_sigprocmask'));
  return before;
};

export const restoreSignals = (program: StepProgram, mask: Data): void => {
  program.call('rt_sigprocmask', [SIG_SETMASK, mask, 0, SIGSET_BYTES], note('restore signals', 'rt_sigprocmask'));
};

/** Leaves no descriptor above the channel open, and none above 2 to what is executed later. */
export const closeDescriptors = (program: StepProgram): void => {
  program.call('close_range', [channel + 1, 0xffff_ffff, 0], note('close descriptors', 'close_range'));
  program.call('fcntl', [channel, F_SETFD, FD_CLOEXEC], note('close descriptors', 'fcntl'));
};

/**
 * Dies with the parent (prctl(2), PR_SET_PDEATHSIG) from now on, and at once if the launcher is gone already: its end of the
 * channel is closed then. To be called after the last change of credentials, which would clear it.
 */
export const dieWithParent = (program: StepProgram): void => {
  program.call('prctl', [PR_SET_PDEATHSIG, SIGKILL], note('follow the launcher', 'prctl'));
  const alive = program.label();
  const hangUp = program.words([channel]); // struct pollfd without events: only POLLHUP and POLLERR answer
  const ready = program.call('ppoll', [hangUp, 1, program.words([0, 0]), 0, 0], note('follow the launcher', 'ppoll'));
  program.jumpIfEqual(ready, 0, alive);
  program.call('exit_group', [1]);
  program.place(alive);
};

/** Keeps the process out of reach of ptrace(2), /proc/PID/mem and /proc/PID/fd for whatever runs inside. */
export const shield = (program: StepProgram): void => {
  program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0], note('shield the supervisor', 'prctl'));
};

/** Lets go of the standard streams, so that a pipe of the command's closes when the command closes it. */
export const releaseStreams = (program: StepProgram, terminalFd: number | undefined): void => {
  for (const fd of [0, 1, 2]) if (fd !== terminalFd) program.call('close', [fd], { onFailure: 'ignore' });
};

/** Makes this process the leader of its own group and, if asked, the terminal's foreground. */
export const leadGroup = (program: StepProgram, terminalFd: number | undefined): void => {
  program.call('setpgid', [0, 0], note('make a process group', 'setpgid'));
  if (terminalFd === undefined) return;
  const group = program.words([0]);
  program.call('getpid', [], { into: program.valueAt(group) });
  program.call('ioctl', [terminalFd, TIOCSPGRP, group], { onFailure: 'ignore' });
};

/**
 * The outer supervisor's rest of life: passes signals on to `child`, and when that ended gives the terminal back: its modes if the
 * command was killed, its foreground if it was held by a group that is gone.
 */
export const superviseOutside = (program: StepProgram, child: Slot, terminal: OuterTerminal | undefined): void => {
  const status = program.slot();
  const [ended, wait] = [program.label(), program.here()];
  const signal = nextSignal(program, wait);
  const reap = program.label();
  program.jumpIfEqual(signal, SIGCHLD, reap);
  program.call('kill', [child, signal], { onFailure: 'ignore' });
  program.jump(wait);
  program.place(reap);
  program.jumpIfEqual(
    program.call('wait4', [child, program.addressOf(status), WNOHANG, 0], { onFailure: wait }),
    child,
    ended,
  );
  program.jump(wait);
  program.place(ended);
  if (terminal) returnTerminal(program, terminal, status);
  program.call('exit_group', [0]);
};

export interface OuterTerminal {
  readonly fd: number;
  /** the launcher's process group */
  readonly processGroup: number;
  /** what `saveTerminal` kept */
  readonly modes: Data;
}

/** Keeps the terminal's modes (struct termios of the kernel: 36 bytes). */
export const saveTerminal = (program: StepProgram, fd: number): Data => {
  const modes = program.bytes(Buffer.alloc(64));
  program.call('ioctl', [fd, TCGETS, modes], { onFailure: 'ignore' });
  return modes;
};

const returnTerminal = (program: StepProgram, terminal: OuterTerminal, status: Slot): void => {
  const [done, restore] = [program.label(), program.label()];
  const group = program.words([0]);
  program.call('ioctl', [terminal.fd, TIOCGPGRP, group], { onFailure: done });
  const holder = program.subtract(0, program.valueAt(group));
  program.call('kill', [holder, 0], { onFailure: restore }); // ESRCH: a group of the sandbox's, gone by now
  program.jump(done);
  program.place(restore);
  program.call('ioctl', [terminal.fd, TIOCSPGRP, program.words([terminal.processGroup])], { onFailure: 'ignore' });
  program.jumpIfEqual(status, 0, done);
  program.call('ioctl', [terminal.fd, TCSETS, terminal.modes], { onFailure: 'ignore' });
  program.place(done);
};

/**
 * The inner supervisor's rest of life, as the first process of its PID namespace: reaps, passes signals on to the command, reports
 * when it stops, and when it ends, reports its status and ends too, which kills whatever is left (pid_namespaces(7)).
 */
export const superviseInside = (program: StepProgram, command: Slot, terminalFd: number | undefined): void => {
  const stopped = program.bytes(renderRecord(recordTag.stopped));
  const ended = program.bytes(renderRecord(recordTag.status));
  const status = program.valueAt(ended, 8);
  const group = program.subtract(0, command);
  const wait = program.here();
  const signal = nextSignal(program, wait);
  const [reap, resume, foreground] = [program.label(), program.label(), program.label()];
  const [finish, pause] = [program.label(), program.label()];
  program.jumpIfEqual(signal, SIGCHLD, reap);
  program.jumpIfEqual(signal, SIGCONT, resume);
  program.jumpIfEqual(signal, SIGTTOU, foreground);
  program.call('kill', [command, signal], { onFailure: 'ignore' });
  program.jump(wait);

  program.place(foreground);
  if (terminalFd !== undefined) {
    program.call('ioctl', [terminalFd, TIOCSPGRP, program.addressOf(command)], { onFailure: 'ignore' });
  }
  program.place(resume);
  program.call('kill', [group, SIGCONT], { onFailure: 'ignore' });
  program.jump(wait);

  program.place(reap);
  const child = program.call('wait4', [-1, program.addressOf(status), WNOHANG | WUNTRACED, 0], { onFailure: wait });
  program.jumpIfEqual(child, 0, wait);
  const ours = program.label();
  program.jumpIfEqual(child, command, ours);
  program.jump(reap);
  program.place(ours);
  program.jumpIfEqual(program.and(status, 0xff), 0x7f, pause);
  program.jump(finish);
  program.place(pause);
  program.and(status, -1, program.valueAt(stopped, 8));
  program.call('write', [channel, stopped, recordBytes], { onFailure: 'ignore' });
  program.jump(reap);

  program.place(finish);
  program.call('write', [channel, ended, recordBytes], { onFailure: 'ignore' });
  const exited = program.label();
  program.jumpIfEqual(program.and(status, 0x7f), 0, exited);
  program.call('exit_group', [1]);
  program.place(exited);
  program.call('exit_group', [0]);
};

const nextSignal = (program: StepProgram, again: ReturnType<StepProgram['label']>): Slot =>
  program.call('rt_sigtimedwait', [program.words([everySignal]), 0, 0, SIGSET_BYTES], { onFailure: again });

const note = (goal: string, call: string) => ({ note: { goal, call } });
