import type { Socket } from 'node:net';
import type { Decision, EgressEvent, EgressRequest } from '../domain/decision.ts';

/** The one way out: decides, resolves, checks what a name resolved to, and dials exactly that. */
export interface Egress {
  /** Whether a request may leave, as far as its name tells; what the name resolves to is checked by `dial`. */
  readonly decide: (request: EgressRequest) => Promise<Decision>;
  /** Whether any port of a host name may be asked for: then it resolves inside. */
  readonly knowsName: (name: string) => Promise<boolean>;
  /** Decides again, and connects. Never rejects. */
  readonly dial: (request: EgressRequest) => Promise<Dialled>;
}

export type Dialled =
  | { readonly kind: 'connected'; readonly decision: Decision; readonly socket: Socket }
  | { readonly kind: 'denied'; readonly decision: Decision }
  /** allowed, but it could not be reached; `code` as in errno(3) or of getaddrinfo(3) */
  | { readonly kind: 'failed'; readonly decision: Decision; readonly code: string; readonly message: string };

export type Unconnected = Exclude<Dialled, { readonly kind: 'connected' }>;

/** Where a connection that the broker made for the sandbox was meant to go. */
export type Destination =
  /** the proxy itself: the client speaks HTTP proxying or SOCKS5 */
  | { readonly kind: 'proxy' }
  /** a client that ignores proxies: the name behind a stand-in address, or an address; `dialling` if it is being connected to already */
  | {
      readonly kind: 'transparent';
      readonly host: string;
      readonly port: number;
      readonly dialling?: Promise<Dialled>;
    }
  /** a server inside, to which a connection was made already */
  | { readonly kind: 'inside'; readonly server: Socket };

/**
 * Takes over TLS connections to the hosts that a credential is bound to. `client` has sent nothing but what was unshifted onto it
 * again: its ClientHello.
 */
export interface Interceptor {
  readonly isBound: (host: string, port: number) => boolean;
  readonly accept: (connection: InterceptedConnection) => void;
  /** whether these bytes of a request that leaves in the clear hold a placeholder */
  readonly holdsPlaceholder: (bytes: Buffer) => boolean;
}

export interface InterceptedConnection {
  readonly client: Socket;
  readonly host: string;
  readonly port: number;
  /** what the decision was, to be reported with the bytes at the end */
  readonly decision: Decision;
  readonly dial: () => Promise<Dialled>;
  readonly onEvent: (event: EgressEvent) => void;
}
