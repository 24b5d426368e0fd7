import type { Mechanism, Plan } from '../../domain/plan.ts';

/** A plan for this rung. */
export type NamespacePlan = Plan & { readonly mechanism: Extract<Mechanism, { kind: 'namespaces' }> };
