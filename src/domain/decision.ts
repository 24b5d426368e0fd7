/** How a request reached the decider. */
export type EgressProtocol = 'http' | 'connect' | 'socks5' | 'transparent' | 'dns' | 'socket';

/** Why a request was allowed or denied: stable words for programs. */
export type DecisionReason =
  | 'allowed'
  /** no rule names it */
  | 'not-allowed'
  /** a `deny` rule names it */
  | 'denied'
  /** the mode reaches nothing of this kind */
  | 'mode'
  /** no valid host name, address or port */
  | 'malformed'
  /** an address instead of a name, and no rule names that address */
  | 'address-not-allowed'
  /** an allowed name stands for an address that it must not lead to: loopback, link-local, private, the host's own */
  | 'address-forbidden'
  /** TLS server name or Host header differ from the name that was allowed */
  | 'name-mismatch'
  /** a placeholder of a credential where it must not be */
  | 'placeholder'
  /** the client began like one of HTTP or TLS, whose name has to be seen first, and did not go on */
  | 'unfinished'
  /** a kind of traffic that never leaves */
  | 'protocol';

/** What was asked for: the host as the client spelled it. */
export interface EgressRequest {
  readonly host: string;
  readonly port: number;
  readonly protocol: EgressProtocol;
}

/** The outcome of one request. */
export interface Decision {
  readonly verdict: 'allow' | 'deny';
  readonly reason: DecisionReason;
  /** in canonical form; as it was spelled if that is malformed */
  readonly host: string;
  readonly port: number;
  readonly protocol: EgressProtocol;
  /** the rule that decided, with its origin */
  readonly source?: string;
  /** one sentence for a person, without a secret */
  readonly sentence: string;
  /** an option that would allow it, as in `--allow example.com:8443` */
  readonly fix?: string;
}

/** A decision with what became of it: told when the connection ends, or at once if it was refused. */
export interface EgressEvent {
  readonly decision: Decision;
  /** milliseconds since 1970 */
  readonly startedMs: number;
  readonly durationMs: number;
  /** bytes that left, and that came back */
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** an allowed connection that could not be made, or broke */
  readonly error?: string;
  /** why it could not be made, for a person */
  readonly message?: string;
}
