import { ERRNO } from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { InternetAddress } from '../../syscall/socket-address.ts';
import { answer } from './answer.ts';
import { parseTrappedCall } from './caller.ts';
import { Connections } from './connections.ts';
import type { BrokerLink } from './link.ts';
import { pathActs, type VisiblePaths } from './paths.ts';
import { sendDatagram } from './sockets.ts';

/** What the broker asks about a connection to an address that is not the sandbox's own. */
export type Route =
  /** to a port of the launcher's on loopback; `announce` is told the local port of the connection before it is handed over */
  | { readonly kind: 'relay'; readonly port: number; readonly announce: (localPort: number) => void }
  | { readonly kind: 'refuse'; readonly error: number };

export interface BrokerOptions {
  readonly arch: Arch;
  /** reports calls and acts in the launcher's network */
  readonly outside: BrokerLink;
  /** acts in the sandbox's own network; absent where it has none */
  readonly inside?: BrokerLink;
  /** the outer supervisor's process id, which every process of the run descends from */
  readonly supervisor: number;
  /** where a TCP connection goes; asked after the sandbox's own loopback has refused it, if it is to a loopback address */
  readonly route: (address: InternetAddress) => Promise<Route>;
  /** hides everything else from the calls that take a path; absent where no such call is trapped */
  readonly paths?: VisiblePaths;
  /** answers a DNS query; absent where no names resolve */
  readonly answerDns?: (query: Buffer) => Promise<Buffer>;
}

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
  return { listensInside: (port) => connections.listensInside(port) };
};

export interface OpenBroker {
  /** whether a server of the sandbox's listens at a port of the loopback that it shares with the host */
  readonly listensInside: (port: number) => boolean;
}
