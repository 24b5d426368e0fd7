import type { Decision, EgressEvent } from './decision.ts';
import type { NetworkMode } from './network.ts';
import type { RungName } from './rung.ts';

/** What was decided about one request, and what became of it; without anything that the client may have written beside its host name. */
export interface AuditDecision extends Pick<Decision, 'host' | 'port' | 'protocol' | 'verdict' | 'reason' | 'source'> {
  readonly kind: 'decision';
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly durationMs: number;
  readonly error?: string;
  /** so many alike stand in one line, with their sums; absent for one */
  readonly count?: number;
}

export interface AuditRunStart {
  readonly kind: 'run-start';
  readonly workspace: string;
  /** the program's name alone: arguments may hold a secret */
  readonly program: string;
  readonly rung: RungName;
  readonly network: NetworkMode;
}

export interface AuditRunEnd {
  readonly kind: 'run-end';
  readonly exitCode: number;
  readonly signal?: string;
  readonly timedOut: boolean;
  readonly durationMs: number;
}

/** The operator's answer to a question, or a use of a credential: never with the secret. */
export interface AuditAnswer {
  readonly kind: 'approval' | 'credential';
  /** what was asked for: the guard, or the credential's name */
  readonly subject: string;
  readonly verdict: 'allow' | 'deny';
  readonly reason: string;
}

/** One decision or act, as its maker tells it. */
export type AuditAct = AuditDecision | AuditRunStart | AuditRunEnd | AuditAnswer;

/** One line of the audit log. */
export type AuditEvent = AuditAct & {
  /** ISO 8601, UTC: when the line was written, which for a connection is its end */
  readonly time: string;
  readonly run: string;
  readonly sandbox: string;
};

/** The act that an egress event is, without its sentence and with what a client may have spelled cut to a bearable length. */
export const auditDecision = ({ decision, durationMs, bytesOut, bytesIn, error }: EgressEvent): AuditDecision => ({
  kind: 'decision',
  verdict: decision.verdict,
  reason: decision.reason,
  host: withoutUser(decision.host).slice(0, 300),
  port: decision.port,
  protocol: decision.protocol,
  ...(decision.source !== undefined && { source: decision.source }),
  bytesOut,
  bytesIn,
  durationMs: Math.round(durationMs),
  ...(error !== undefined && { error: error.slice(0, 300) }),
});

/** A malformed host may hold `user:password@` (RFC 3986, 3.2.1). */
const withoutUser = (host: string): string => {
  const at = host.lastIndexOf('@');
  return at < 0 ? host : `…${host.slice(at)}`;
};
