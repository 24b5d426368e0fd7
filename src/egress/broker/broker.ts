import { ERRNO } from '../../syscall/constants.ts';
import type { InternetAddress } from '../../syscall/socket-address.ts';
import { answer } from './answer.ts';
import { CallError, parseTrappedCall } from './caller.ts';
import { Connections } from './connections.ts';
import type { BrokerOptions } from './options.ts';
import { pathActs } from './paths.ts';
import { shownBy } from './resolve-path.ts';
import { sendDatagram } from './sockets.ts';

/**
 * Decides on the sandbox's trapped calls: always on a copy of what the caller asked for. No call goes on whose argument lies in the
 * caller's memory, if that could be changed to reach something: what is allowed is done by a broker process, and put in the place
 * of the caller's descriptor.
 */
export const openBroker = (options: BrokerOptions): OpenBroker => {
  const { arch, outside, inside, paths, answerDns } = options;
  const shown = paths && shownBy(paths.roots);
  const connections = new Connections(options, shown);
  const acts = new Map([...connections.acts(), ...(shown && paths.hides ? pathActs(outside, arch, shown) : [])]);
  outside.onNotified((bytes) => {
    const call = parseTrappedCall(bytes);
    acts
      .get(call.number)?.(call)
      .catch((error) => answer(outside, call.id, { error: -errnoOf(error) }));
  });
  for (const link of [outside, inside]) {
    link?.onDatagram(({ descriptor, sender, content }) => {
      void answerDns?.(content).then((reply) => sendDatagram(link, descriptor, sender, reply));
    });
  }
  // a call that nobody is left to act on must not wait for ever: without listeners it fails
  void outside.ended.then(() => inside?.close());
  return {
    listensInside: (port) => connections.listensInside(port),
    hasAccepted: (own, peer) => connections.hasAccepted(own, peer),
  };
};

/** What a call fails with that was refused, or whose arguments can't be read. */
const errnoOf = (error: NodeJS.ErrnoException): number => {
  if (error instanceof CallError) return ERRNO[error.code];
  if (error.code === 'EACCES' || error.code === 'EPERM') return ERRNO.EACCES;
  return error.code === 'ENAMETOOLONG' ? ERRNO.ENAMETOOLONG : ERRNO.EFAULT;
};

export interface OpenBroker {
  /** whether a server of the sandbox's listens at a port of the loopback that it shares with the host */
  readonly listensInside: (port: number) => Promise<boolean>;
  /** whether a connection to such a port, with these ends, has come to a socket of the sandbox's */
  readonly hasAccepted: (own: InternetAddress, peer: InternetAddress) => Promise<boolean>;
}
