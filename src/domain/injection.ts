import type { DecisionReason } from './decision.ts';

/** The head of a request as it came, over either version of HTTP. */
export interface RequestHead {
  readonly method: string;
  /** origin form: path and query */
  readonly target: string;
  /** in the order and spelling of the client; for HTTP/2 without the pseudo-headers */
  readonly headers: readonly (readonly [string, string])[];
}

/** A destination that was allowed and that the TLS server name confirmed. */
export interface BoundHost {
  readonly host: string;
  readonly port: number;
}

export interface Refusal {
  readonly kind: 'refused';
  readonly status: number;
  readonly reason: DecisionReason;
  /** one sentence for a person, without a secret or placeholder */
  readonly sentence: string;
}

/** A request as it may leave, the secret in its place. */
export interface Admitted {
  readonly kind: 'admitted';
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  /** what the body has to go through */
  readonly body: 'scan' | 'pass' | 'exchange';
}

/** Bytes in, bytes out, of the same length in all; what may be the beginning of a secret waits for what follows. */
export interface Scrubber {
  /** may return less than it took; throws on bytes that break the framing */
  readonly write: (bytes: Buffer) => Buffer;
  /** what still waited */
  readonly end: () => Buffer;
}

/** Bytes in; true once a placeholder was seen in them. */
export interface PlaceholderScan {
  readonly found: (bytes: Buffer) => boolean;
}

/** Tokens that a token endpoint hands out stay outside: both bodies are rewritten as a whole. */
export interface TokenExchange {
  /** what leaves; or the answer, where another run has renewed the same login meanwhile. Others that want to renew it wait from here on. */
  readonly request: (
    body: Buffer,
    contentType: string,
  ) => Promise<{ readonly body: Buffer } | { readonly answer: Buffer } | Refusal>;
  readonly response: (status: number, body: Buffer) => Promise<Buffer>;
  /** to be called in any case: the next one may renew */
  readonly end: () => void;
}

/** The rules of one run about secrets and placeholders; the part that moves bytes asks it. */
export interface Injection {
  /** names that certificates are needed for: exact, or `*.example.com` */
  readonly hosts: readonly string[];
  readonly isBound: (host: string, port: number) => boolean;
  readonly admit: (request: RequestHead, destination: BoundHost) => Admitted | Refusal;
  readonly exchange: (request: RequestHead, destination: BoundHost) => TokenExchange;
  readonly holdsPlaceholder: (bytes: Buffer) => boolean;
  readonly openScan: () => PlaceholderScan;
  readonly openScrubber: () => Scrubber;
  /** the same for a stream of WebSocket frames: from the client (masked), and from the server */
  readonly openFrameScan: () => PlaceholderScan;
  readonly openFrameScrubber: () => Scrubber;
  /** a header of a response; undefined if it must not come in at all */
  readonly scrubHeader: (name: string, value: string) => readonly [string, string] | undefined;
}
