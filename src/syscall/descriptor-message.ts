import { SCM_RIGHTS, SOL_SOCKET } from './constants.ts';
import type { Data, Program, Slot } from './program.ts';

/** A message that carries one descriptor (cmsg(3)). */
export interface DescriptorMessage {
  /** struct msghdr, for sendmsg(2) and recvmsg(2) */
  readonly message: Data;
  readonly descriptor: Slot;
}

/** Such a message with this content, or with room for as much. */
export const descriptorMessage = (program: Program, content: Buffer): DescriptorMessage => {
  const vector = program.words([program.bytes(content), content.length]); // struct iovec
  const control = program.words([20, SOL_SOCKET + SCM_RIGHTS * 0x1_0000_0000, 0]); // length, level and type, descriptor
  return { message: program.words([0, 0, vector, 1, control, 24, 0]), descriptor: program.valueAt(control, 16) };
};
