import type { Decision, EgressEvent } from '../../src/domain/decision.ts';

/** A refused connection, unless said otherwise. */
export const anEgressEvent = (
  decision: Partial<Decision> = {},
  rest: Partial<Omit<EgressEvent, 'decision'>> = {},
): EgressEvent => ({
  decision: {
    verdict: 'deny',
    reason: 'not-allowed',
    host: 'example.com',
    port: 443,
    protocol: 'connect',
    sentence: 'example.com:443 is not allowed',
    ...decision,
  },
  startedMs: 0,
  durationMs: 12.4,
  bytesOut: 0,
  bytesIn: 0,
  ...rest,
});
