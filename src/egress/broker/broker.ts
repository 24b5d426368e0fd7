import { ERRNO } from '../../syscall/constants.ts';
import type { InternetAddress } from '../../syscall/socket-address.ts';
import { answer } from './answer.ts';
import { parseTrappedCall } from './caller.ts';
import { Connections } from './connections.ts';
import type { BrokerOptions } from './options.ts';
import { pathActs } from './paths.ts';
import { sendDatagram } from './sockets.ts';

/**
 * Decides on the sandbox's trapped calls: always on a copy of what the caller asked for. No call goes on whose argument lies in the
 * caller's memory, if that could be changed to reach something: what is allowed is done by a broker process, and put in the place
 * of the caller's descriptor.
 */
export const openBroker = (options: BrokerOptions): OpenBroker => {
  const { arch, outside, inside, paths, answerDns } = options;
  const connections = new Connections(options);
  const acts = new Map([...connections.acts(), ...(paths ? pathActs(outside, arch, paths) : [])]);
  outside.onNotified((bytes) => {
    const call = parseTrappedCall(bytes);
    acts
      .get(call.number)?.(call)
      .catch(({ code }: NodeJS.ErrnoException) => {
        const denied = code === 'EACCES' || code === 'EPERM';
        answer(outside, call.id, { error: denied ? -ERRNO.EACCES : -ERRNO.EFAULT });
      });
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

export interface OpenBroker {
  /** whether a server of the sandbox's listens at a port of the loopback that it shares with the host */
  readonly listensInside: (port: number) => Promise<boolean>;
  /** whether a socket of that network has these ends: its own, and that of a connection to it */
  readonly hasAccepted: (own: InternetAddress, peer: InternetAddress) => Promise<boolean>;
}
