import { ERRNO, O_CLOEXEC, O_NONBLOCK, SOCK_DGRAM, SOCK_STREAM } from '../../syscall/constants.ts';
import { answer } from './answer.ts';
import type { TrappedCall } from './caller.ts';
import type { BrokerLink } from './link.ts';
import { type MadeSocket, makeDatagramChannel, makeLoopbackSocket } from './sockets.ts';

/** 0, TCP, MPTCP (which becomes TCP). */
const streamProtocols: readonly number[] = [0, 6, 262];
const datagramProtocols: readonly number[] = [0, 17];

/** Answers socket(2) for IPv4 and IPv6, where no network namespace confines them; resolves with a stream that was made. */
export const makeSocket = async (link: BrokerLink, call: TrappedCall): Promise<MadeSocket | undefined> => {
  const { id, args } = call;
  const [domain = 0, type = 0, protocol = 0] = args.map((argument) => Number(BigInt.asIntN(32, argument)));
  const kind = type & ~(O_CLOEXEC | O_NONBLOCK);
  if (kind === SOCK_STREAM && streamProtocols.includes(protocol)) return makeLoopbackSocket(link, { id, domain, type });
  if (kind === SOCK_DGRAM && datagramProtocols.includes(protocol)) makeDatagramChannel(link, { id, type });
  else answer(link, id, { error: -ERRNO[kind === SOCK_STREAM || kind === SOCK_DGRAM ? 'EPROTONOSUPPORT' : 'EPERM'] });
  return undefined;
};
