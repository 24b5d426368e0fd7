import {
  O_CLOEXEC,
  SECCOMP_ADDFD_FLAG_SETFD,
  SECCOMP_IOCTL_NOTIF_ADDFD,
  SECCOMP_IOCTL_NOTIF_RECV,
  SECCOMP_IOCTL_NOTIF_SEND,
} from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Program, Slot } from '../../syscall/program.ts';
import { forbidNewPrivileges } from '../program/confine.ts';
import { handOverCalls, type Link, openLink, receiveListener } from '../program/listener.ts';
import { dieWithParent, fork } from '../program/supervise.ts';
import { answer, askKernel } from './ask.ts';

/**
 * Whether a broker can answer calls, by one that does: the program hands over its connect(2), gets a descriptor that it had not and the
 * word to go on (seccomp_unotify(2)), and what it writes there arrives. One listener alone is allowed among a process's filters (EBUSY).
 */
export const probeListener = async (arch: Arch, executable: string): Promise<boolean> => {
  const end = await askKernel(arch, executable, (program) => {
    const link = openLink(program);
    const ends = program.words([0, 0]); // int[2], and zeros behind them
    program.call('pipe2', [ends, O_CLOEXEC]);
    const [reading, writing] = [program.and(program.valueAt(ends), 0xffff_ffff), program.valueAt(ends, 4)];
    // it waits for a call, which never comes where the program fails before
    fork(program, (line) => {
      dieWithParent(program, line);
      program.call('close', [link.command]);
      answerOnce(program, link, writing);
    });
    for (const descriptor of [link.broker, writing]) program.call('close', [descriptor]);
    forbidNewPrivileges(program);
    handOverCalls(program, arch, [link], { connections: true, sockets: true, paths: true });
    program.goal = 'be answered by a broker';
    program.call('connect', [received, 0, 0]); // which fails of itself: EBADF
    const word = program.words([0]);
    program.call('write', [received, word, wordBytes]);
    answer(program, program.call('read', [reading, word, wordBytes]));
  });
  return end.kind === 'answers' && end.answers[0] === wordBytes;
};

const wordBytes = 8;
/** Numbers that no other descriptor of the two processes has. */
const [sent, received] = [20, 21];

const answerOnce = (program: Program, link: Link, descriptor: Slot): void => {
  const none = program.label();
  const listener = receiveListener(program, link, none);
  program.call('dup3', [descriptor, sent, O_CLOEXEC]);
  const notification = program.words(new Array<number>(10).fill(0)); // struct seccomp_notif, all zero before
  program.call('ioctl', [listener, SECCOMP_IOCTL_NOTIF_RECV, notification]);
  // struct seccomp_notif_addfd: u64 id, u32 flags, u32 source, u32 number, u32 flags of the number
  const added = program.words([0, SECCOMP_ADDFD_FLAG_SETFD + sent * 0x1_0000_0000, received]);
  const response = program.words([0, 0, 0]); // struct seccomp_notif_resp: u64 id, s64 value, s32 error, u32 flags
  for (const about of [added, response]) program.and(program.valueAt(notification), -1, program.valueAt(about));
  program.call('ioctl', [listener, SECCOMP_IOCTL_NOTIF_ADDFD, added]);
  program.call('ioctl', [listener, SECCOMP_IOCTL_NOTIF_SEND, response]);
  program.place(none);
  program.call('exit_group', [0]);
};
