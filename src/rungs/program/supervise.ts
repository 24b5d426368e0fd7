import type { Terminal } from '../../domain/facts.ts';
import {
  F_SETFD,
  FD_CLOEXEC,
  O_CLOEXEC,
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
import type { Data, Label, Program, Slot } from '../../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../../syscall/records.ts';
import { channel } from './channel.ts';

/**
 * Signals between the launcher and the two supervising processes: every signal that the launcher sends to the outer one arrives at
 * the command, but for two that the inner one acts on: `resume` continues the command in the background, `foreground` gives
 * it the terminal first.
 */
export const controlSignal = { resume: 'SIGCONT', foreground: 'SIGTTOU' } as const;

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

/** Leaves no descriptor above the channel open, and none above 2 to what is executed later. */
export const closeDescriptors = (program: Program): void => {
  program.goal = 'close descriptors';
  program.call('close_range', [channel + 1, 0xffff_ffff, 0]);
  program.call('fcntl', [channel, F_SETFD, FD_CLOEXEC]);
};

/** What tells a process that its parent is gone: the other end of this descriptor is closed then. */
export type LifeLine = Slot | typeof channel;

/**
 * Dies with the parent (prctl(2), PR_SET_PDEATHSIG) from now on, or is sent `signal`; ends at once if it is gone already. To be called
 * after the last change of credentials, which would clear it.
 */
export const dieWithParent = (program: Program, line: LifeLine, signal: number = SIGKILL): void => {
  program.goal = 'follow the launcher';
  program.call('prctl', [PR_SET_PDEATHSIG, signal]);
  const alive = program.label();
  const poll = program.words([0]); // struct pollfd without events: only POLLHUP and POLLERR answer
  program.and(line, -1, program.valueAt(poll));
  program.jumpIfEqual(program.call('ppoll', [poll, 1, program.words([0, 0]), 0, 0]), 0, alive);
  program.call('exit_group', [1]);
  program.place(alive);
};

/**
 * Starts a child process that runs what `inChild` appends, which must not come to its end, and returns the slot of its id. The child
 * gets a line to this process, which closes when this process ends.
 */
export const fork = (program: Program, inChild: (line: LifeLine) => void): Slot => {
  const ends = program.words([0, 0]); // int[2], and zeros behind them
  program.call('pipe2', [ends, O_CLOEXEC]);
  const line = program.and(program.valueAt(ends), 0xffff_ffff);
  const ownEnd = program.valueAt(ends, 4);
  const child = program.call('clone', [SIGCHLD, 0, 0, 0, 0]);
  const [ours, theirs] = [program.label(), program.label()];
  program.jumpIfEqual(child, 0, theirs);
  program.jump(ours);
  program.place(theirs);
  program.call('close', [ownEnd]);
  inChild(line);
  program.place(ours);
  program.call('close', [line]);
  return child;
};

/** Keeps the process out of reach of ptrace(2), /proc/PID/mem and /proc/PID/fd for whatever runs inside. */
export const shield = (program: Program): void => {
  program.goal = 'shield the supervisor';
  program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0]);
};

/** Lets go of the standard streams, so that a pipe of the command's closes when the command closes it. */
export const releaseStreams = (program: Program, terminalFd: number | undefined): void => {
  for (const fd of [0, 1, 2]) if (fd !== terminalFd) program.call('close', [fd], { onFailure: 'ignore' });
};

/** Makes this process the leader of its own group and, if asked, the terminal's foreground. */
export const leadGroup = (program: Program, terminalFd: number | undefined): void => {
  program.goal = 'make a process group';
  program.call('setpgid', [0, 0]);
  if (terminalFd === undefined) return;
  const group = program.words([0]);
  program.call('getpid', [], { into: program.valueAt(group) });
  program.call('ioctl', [terminalFd, TIOCSPGRP, group], { onFailure: 'ignore' });
};

/**
 * The outer supervisor's rest of life: passes signals on to `child`, and when that ended gives the terminal back: its modes if the
 * command was killed, its foreground if it was held by a group that is gone.
 */
export const superviseOutside = (program: Program, child: Slot, terminal: OuterTerminal | undefined): void => {
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

const returnTerminal = (program: Program, terminal: OuterTerminal, status: Slot): void => {
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

export interface InnerDuties {
  /** the command's process id */
  readonly command: Slot;
  readonly terminalFd: number | undefined;
  /** what kills whatever the command has left running, where no PID namespace does */
  readonly sweep?: () => void;
  /** the signal that says that the outer supervisor is gone, where it does not kill */
  readonly orphaned?: number;
}

/**
 * The inner supervisor's rest of life: reaps, passes signals on to the command, reports when it stops, and when it ends, reports its
 * status and ends too. As the first process of a PID namespace it takes whatever is left with it (pid_namespaces(7)).
 */
export const superviseInside = (program: Program, { command, terminalFd, sweep, orphaned }: InnerDuties): void => {
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
  const abandoned = program.label();
  if (orphaned !== undefined) program.jumpIfEqual(signal, orphaned, abandoned);
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
  sweep?.();
  program.call('write', [channel, ended, recordBytes], { onFailure: 'ignore' });
  const exited = program.label();
  program.jumpIfEqual(program.and(status, 0x7f), 0, exited);
  program.call('exit_group', [1]);
  program.place(exited);
  program.call('exit_group', [0]);

  program.place(abandoned);
  sweep?.();
  program.call('exit_group', [1]);
};

const nextSignal = (program: Program, again: Label): Slot =>
  program.call('rt_sigtimedwait', [program.words([everySignal]), 0, 0, SIGSET_BYTES], { onFailure: again });

/** Kills the command's own process group: all that can be told from outsiders without a PID namespace or a scope for signals. */
export const sweepGroup = (program: Program, command: Slot): void => {
  program.call('kill', [program.subtract(0, command), SIGKILL], { onFailure: 'ignore' });
};
