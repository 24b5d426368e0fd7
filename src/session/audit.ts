import { basename } from 'node:path';
import { auditDecision } from '../domain/audit.ts';
import type { EgressEvent } from '../domain/decision.ts';
import type { Plan } from '../domain/plan.ts';
import { openAudit } from '../state/audit/open.ts';

/** How a run ended, for the log. */
interface Ended {
  readonly exitCode: number;
  readonly signal?: string;
  readonly timedOut: boolean;
}

/** The audit log of one run, which begins with its first decision: a run that asks for nothing writes nothing. */
export interface RunAudit extends Disposable {
  readonly decided: (event: EgressEvent) => void;
  readonly ended: (end: Ended) => void;
  /** what could not be written, for the end of the run */
  readonly failure: () => string | undefined;
}

export const openRunAudit = (plan: Plan, stateDir: string, startedMs: number): RunAudit => {
  const run = `${process.pid}-${startedMs.toString(36)}`;
  const audit = openAudit({ stateDir, sandbox: plan.sandbox.name, run });
  let begun = false;
  const begin = (): void => {
    if (begun) return;
    begun = true;
    const [program] = plan.command.argv;
    const { workspace, rung, network } = plan;
    audit.write({ kind: 'run-start', workspace, program: basename(program), rung, network: network.mode });
  };
  return {
    decided: (event) => {
      begin();
      audit.write(auditDecision(event));
    },
    ended: ({ exitCode, signal, timedOut }) => {
      if (!begun) return;
      const durationMs = Date.now() - startedMs;
      audit.write({ kind: 'run-end', exitCode, ...(signal !== undefined && { signal }), timedOut, durationMs });
    },
    failure: () => {
      const failed = audit.failure();
      return failed && `${failed.message}; ${failed.lost} lines of the audit log are lost`;
    },
    [Symbol.dispose]: () => audit[Symbol.dispose](),
  };
};
