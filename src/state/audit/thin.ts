import type { AuditAct, AuditDecision } from '../../domain/audit.ts';

/** How many decisions of one verdict a run may log one by one, and what stands in for those beyond. */
export interface ThinBounds {
  readonly decisions: number;
  /** alike ones are summed for so long */
  readonly windowMs: number;
  /** different ones that are told apart meanwhile */
  readonly kinds: number;
}

export const thinBounds: ThinBounds = { decisions: 10_000, windowMs: 60_000, kinds: 100 };

/** Keeps a client that asks a million times from pushing out of the log what it did before. */
export interface Thinner {
  /** what to write now for this act */
  readonly take: (act: AuditAct, nowMs: number) => readonly AuditAct[];
  /** what was summed and not yet written */
  readonly flush: () => readonly AuditAct[];
}

/** A thinner for one run. Denied and allowed decisions are counted apart; other acts always pass. */
export const openThinner = (bounds: ThinBounds = thinBounds): Thinner => {
  const passed = { allow: 0, deny: 0 };
  let sums = new Map<string, AuditDecision>();
  let windowStart = 0;
  const flush = () => {
    const flushed = [...sums.values()];
    sums = new Map();
    return flushed;
  };
  return {
    flush,
    take: (act, nowMs) => {
      if (act.kind !== 'decision') return [act];
      if (passed[act.verdict]++ < bounds.decisions) return [act];
      const due = sums.size > 0 && nowMs - windowStart >= bounds.windowMs ? flush() : [];
      if (sums.size === 0) windowStart = nowMs;
      add(sums, act, bounds);
      return due;
    },
  };
};

const add = (sums: Map<string, AuditDecision>, act: AuditDecision, bounds: ThinBounds): void => {
  const { verdict, reason, port, protocol } = act;
  const key = JSON.stringify([verdict, reason, act.host, port, protocol]);
  const known = sums.get(key);
  if (known !== undefined) sums.set(key, sum(known, act));
  else if (sums.size < bounds.kinds) sums.set(key, { ...act, count: 1 });
  else {
    const others: AuditDecision = {
      ...act,
      host: 'others',
      port: 0,
      protocol: 'socket',
      reason: verdict === 'allow' ? 'allowed' : 'not-allowed',
    };
    const rest = sums.get(`others ${verdict}`);
    sums.set(`others ${verdict}`, rest === undefined ? { ...others, count: 1 } : sum(rest, others));
  }
};

const sum = (known: AuditDecision, more: AuditDecision): AuditDecision => ({
  ...known,
  count: (known.count ?? 1) + 1,
  bytesOut: known.bytesOut + more.bytesOut,
  bytesIn: known.bytesIn + more.bytesIn,
  durationMs: known.durationMs + more.durationMs,
});
