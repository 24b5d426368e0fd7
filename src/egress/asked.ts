import type { EgressRequest } from '../domain/decision.ts';
import type { Host } from '../domain/host.ts';

/** A request whose host and port are valid. */
export interface Asked {
  readonly host: Host;
  /** in canonical form */
  readonly shown: string;
  readonly port: number;
  readonly request: EgressRequest;
}
