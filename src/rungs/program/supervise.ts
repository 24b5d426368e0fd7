import {
  F_SETFD,
  FD_CLOEXEC,
  O_CLOEXEC,
  PR_SET_DUMPABLE,
  PR_SET_PDEATHSIG,
  SIGALRM,
  SIGCHLD,
  SIGCONT,
  SIGHUP,
  SIGINT,
  SIGKILL,
  SIGQUIT,
  SIGSTKFLT,
  SIGTERM,
  SIGTSTP,
  SIGTTOU,
  TIOCSPGRP,
  WNOHANG,
  WUNTRACED,
} from '../../syscall/constants.ts';
import type { Program, Slot } from '../../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../../syscall/records.ts';
import { channel } from './channel.ts';
import { nextSignal } from './signals.ts';
import { type OuterTerminal, returnTerminal } from './terminal.ts';

/**
 * Signals between the launcher and the two supervising processes: every signal that the launcher sends to the outer one arrives at
 * the command, but for two that the inner one acts on: `resume` continues the command in the background, `foreground` gives
 * it the terminal first.
 */
export const controlSignal = { resume: 'SIGCONT', foreground: 'SIGTTOU' } as const;

/** Leaves no descriptor above the channels open, and none above 2 to what is executed later. */
export const closeDescriptors = (program: Program, channels: readonly number[]): void => {
  program.goal = 'close descriptors';
  program.call('close_range', [channel + channels.length, 0xffff_ffff, 0]);
  for (const descriptor of channels) program.call('fcntl', [descriptor, F_SETFD, FD_CLOEXEC]);
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

/** Opens what `shield` closed, for the launcher: the command's own process holds nothing that the command may not know. */
export const unshield = (program: Program): void => {
  program.call('prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0], { onFailure: 'ignore' });
};

/** Lets go of the standard streams, so that a pipe of the command's closes when the command closes it. */
export const releaseStreams = (program: Program, terminalFd: number | undefined): void => {
  for (const fd of [0, 1, 2]) if (fd !== terminalFd) program.call('close', [fd], { onFailure: 'ignore' });
};

export interface OuterDuties {
  /** the inner supervisor's process id */
  readonly child: Slot;
  readonly terminal: OuterTerminal | undefined;
  readonly timeoutMs: number | undefined;
  /** the signal that makes the inner supervisor end everything */
  readonly endAll: number;
  /** kills what is left once the inner supervisor has ended, however it ended; absent where a PID namespace has done so */
  readonly sweep?: () => void;
}

/** From SIGTERM at the time limit to the end of everything. */
const graceMs = 5_000;

/**
 * The outer supervisor's rest of life: passes signals on to `child`, keeps the time limit (the launcher may be stopped with its job),
 * and when the child ended gives the terminal back: its modes if the command was killed, its foreground if it was held by a group
 * that is gone.
 */
export const superviseOutside = (
  program: Program,
  { child, terminal, timeoutMs, endAll, sweep }: OuterDuties,
): void => {
  const status = program.slot();
  if (timeoutMs !== undefined) startTimer(program, timeoutMs);
  const [ended, wait] = [program.label(), program.here()];
  const signal = nextSignal(program, wait);
  const [reap, expired] = [program.label(), program.label()];
  program.jumpIfEqual(signal, SIGCHLD, reap);
  if (timeoutMs !== undefined) program.jumpIfEqual(signal, SIGALRM, expired);
  const orphaned = program.label();
  program.jumpIfEqual(signal, SIGSTKFLT, orphaned);
  program.call('kill', [child, signal], { onFailure: 'ignore' });
  program.jump(wait);
  program.place(orphaned);
  program.call('kill', [child, endAll], { onFailure: 'ignore' });
  program.jump(wait);
  program.place(reap);
  program.jumpIfEqual(
    program.call('wait4', [child, program.addressOf(status), WNOHANG, 0], { onFailure: wait }),
    child,
    ended,
  );
  program.jump(wait);
  if (timeoutMs !== undefined) {
    program.place(expired);
    actOnTimer(program, child, endAll);
    program.jump(wait);
  }
  program.place(ended);
  sweep?.();
  if (terminal) returnTerminal(program, terminal, status);
  program.call('exit_group', [0]);
};

/** SIGALRM after so many milliseconds (setitimer(2)). */
const startTimer = (program: Program, ms: number): void => {
  const value = program.words([0, 0, Math.floor(ms / 1000), (ms % 1000) * 1000]); // struct itimerval: interval, value
  program.call('setitimer', [0, value, 0], { onFailure: 'ignore' });
};

/** The first time asks the command to end, stopped or not; the second time ends everything. */
const actOnTimer = (program: Program, child: Slot, endAll: number): void => {
  const [again, done] = [program.label(), program.label()];
  const asked = program.slot();
  program.jumpIfEqual(asked, 1, again);
  program.and(1, 1, asked);
  program.call('kill', [child, SIGTERM], { onFailure: 'ignore' });
  program.call('kill', [child, SIGCONT], { onFailure: 'ignore' });
  startTimer(program, graceMs);
  program.jump(done);
  program.place(again);
  program.call('kill', [child, endAll], { onFailure: 'ignore' });
  program.place(done);
};

export interface InnerDuties {
  /** the command's process id */
  readonly command: Slot;
  readonly terminalFd: number | undefined;
  /** whether this is the first process of a PID namespace */
  readonly ownPids: boolean;
  /** what kills whatever the command has left running, where no PID namespace does */
  readonly sweep?: () => void;
  /** the signal that says that the outer supervisor is gone, where it does not kill */
  readonly orphaned?: number;
}

/**
 * The inner supervisor's rest of life: reaps, passes signals on to the command, reports when it stops, and when it ends, reports its
 * status and ends too. As the first process of a PID namespace it takes whatever is left with it (pid_namespaces(7)).
 */
export const superviseInside = (
  program: Program,
  { command, terminalFd, ownPids, sweep, orphaned }: InnerDuties,
): void => {
  const stopped = program.bytes(renderRecord(recordTag.stopped));
  const ended = program.bytes(renderRecord(recordTag.status));
  const status = program.valueAt(ended, 8);
  const group = program.subtract(0, command);
  const wait = program.here();
  const info = program.words(new Array<number>(16).fill(0)); // siginfo_t, 128 bytes
  const signal = nextSignal(program, wait, info);
  const [reap, resume, foreground] = [program.label(), program.label(), program.label()];
  const [finish, pause] = [program.label(), program.label()];
  program.jumpIfEqual(signal, SIGCHLD, reap);
  program.jumpIfEqual(signal, SIGCONT, resume);
  program.jumpIfEqual(signal, SIGTTOU, foreground);
  const abandoned = program.label();
  if (orphaned !== undefined) program.jumpIfEqual(signal, orphaned, abandoned);
  if (terminalFd !== undefined) {
    // as the terminal itself would send them, had the command its foreground
    const notKeyboard = program.label();
    const toGroup = program.label();
    for (const sent of [SIGHUP, SIGINT, SIGQUIT, SIGTSTP]) program.jumpIfEqual(signal, sent, toGroup);
    program.jump(notKeyboard);
    program.place(toGroup);
    program.call('kill', [group, signal], { onFailure: 'ignore' });
    program.jump(wait);
    program.place(notKeyboard);
  }
  program.call('kill', [command, signal], { onFailure: 'ignore' });
  program.jump(wait);

  program.place(foreground);
  if (terminalFd !== undefined) {
    // its sender's id is 0 if that is outside of this PID namespace; the command must not give itself the terminal this way
    const sender = program.and(program.valueAt(info, 16), 0xffff_ffff);
    const fromOutside = program.label();
    if (ownPids) {
      program.jumpIfEqual(sender, 0, fromOutside);
      program.jump(wait);
    }
    program.place(fromOutside);
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

/** Kills the command's own process group: all that can be told from outsiders without a PID namespace or a scope for signals. */
export const sweepGroup = (program: Program, command: Slot): void => {
  program.call('kill', [program.subtract(0, command), SIGKILL], { onFailure: 'ignore' });
};
