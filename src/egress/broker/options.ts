import type { Arch } from '../../syscall/numbers.ts';
import type { InternetAddress } from '../../syscall/socket-address.ts';
import type { BrokerLink } from './link.ts';
import type { VisiblePaths } from './paths.ts';

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
  /** where a TCP connection goes; asked after the loopback of the sandbox's own network has refused it, if it is to a loopback address */
  readonly route: (address: InternetAddress) => Promise<Route>;
  /** told of the port of a server inside that a connection was made to */
  readonly onServer?: (port: number) => void;
  /** hides everything else from the calls that take a path; absent where no such call is trapped */
  readonly paths?: VisiblePaths;
  /** answers a DNS query; absent where no names resolve */
  readonly answerDns?: (query: Buffer) => Promise<Buffer>;
}
