import { connect } from 'node:net';
import type { Decision, EgressRequest } from '../../src/domain/decision.ts';
import type { Egress } from '../../src/egress/egress.ts';

/** `host:port` as a client asks for it, and the port of loopback that stands for it. */
export type Reachable = Readonly<Record<string, number>>;

/** An egress that reaches what it is given, on loopback, and nothing else; it tells how often it was asked to dial. */
export interface StandInEgress extends Egress {
  readonly dialled: string[];
}

export const standInEgress = (reachable: Reachable): StandInEgress => {
  const dialled: string[] = [];
  const find = (request: EgressRequest): { decision: Decision; port: number | undefined } => {
    const { port, protocol } = request;
    const host = request.host.toLowerCase().replace(/\.$/, '');
    const found = reachable[`${host}:${port}`];
    const common = { host, port, protocol };
    if (found !== undefined) {
      return {
        decision: { ...common, verdict: 'allow', reason: 'allowed', sentence: `${host} is allowed` },
        port: found,
      };
    }
    const sentence = `${host}:${port} is not allowed`;
    return {
      decision: { ...common, verdict: 'deny', reason: 'not-allowed', sentence, fix: `--allow ${host}` },
      port: undefined,
    };
  };
  return {
    dialled,
    decide: async (request) => find(request).decision,
    knowsName: async (name) => Object.keys(reachable).some((key) => key.startsWith(`${name}:`)),
    dial: (request) => {
      const { decision, port } = find(request);
      if (port === undefined) return Promise.resolve({ kind: 'denied', decision });
      dialled.push(`${decision.host}:${decision.port}`);
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      return new Promise((resolve) => {
        socket.once('connect', () => resolve({ kind: 'connected', decision, socket }));
        socket.once('error', (error: NodeJS.ErrnoException) =>
          resolve({ kind: 'failed', decision, code: error.code ?? 'EIO', message: 'it refused the connection' }),
        );
      });
    },
  };
};
