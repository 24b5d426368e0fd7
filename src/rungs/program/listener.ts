import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
} from '../../syscall/constants.ts';
import { descriptorMessage } from '../../syscall/descriptor-message.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Label, Program, Slot } from '../../syscall/program.ts';
import { renderTrapFilter, type Traps } from '../../syscall/seccomp.ts';

/** A pair of sockets over which the command's process hands the listener of its filter to a broker. */
export interface Link {
  readonly broker: Slot;
  readonly command: Slot;
}

export const openLink = (program: Program): Link => {
  const ends = program.words([0, 0]); // int[2], and zeros behind them
  program.goal = 'link the broker';
  program.call('socketpair', [AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends]);
  return { broker: program.and(program.valueAt(ends), 0xffff_ffff), command: program.valueAt(ends, 4) };
};

/** Hands the calls that brokers decide on to them (seccomp_unotify(2)); the last filter that the command's process installs. */
export const handOverCalls = (program: Program, arch: Arch, links: readonly Link[], traps: Traps): void => {
  const listener = openListener(program, arch, traps);
  const { message, descriptor } = descriptorMessage(program, Buffer.alloc(1));
  program.and(listener, -1, descriptor);
  for (const { command } of links) program.call('sendmsg', [command, message, 0]);
  program.call('close', [listener]);
};

/** Installs the filter and returns the slot of its listener. */
const openListener = (program: Program, arch: Arch, traps: Traps): Slot => {
  program.goal = 'listen to its connections';
  const filter = renderTrapFilter(arch, traps);
  const description = program.words([filter.length / 8, program.bytes(filter)]); // struct sock_fprog
  const flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  const [older, made] = [program.label(), program.label()];
  const listener = program.slot();
  const install = (more: number, onFailure?: Label) =>
    program.call('seccomp', [SECCOMP_SET_MODE_FILTER, flags | more, description], {
      into: listener,
      ...(onFailure && { onFailure }),
    });
  install(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, older);
  program.jump(made);
  program.place(older);
  install(0);
  program.place(made);
  return listener;
};

/** Receives the listener; goes to `none` if the command's process ended without one. */
export const receiveListener = (program: Program, link: Link, none: Label): Slot => {
  const { message, descriptor } = descriptorMessage(program, Buffer.alloc(1));
  program.jumpIfEqual(program.call('recvmsg', [link.broker, message, MSG_CMSG_CLOEXEC], { onFailure: none }), 0, none);
  program.call('close', [link.broker]);
  return program.and(descriptor, 0xffff_ffff);
};
