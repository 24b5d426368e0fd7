import { SboxError } from '../domain/errors.ts';
import type { Capabilities, Refusal } from '../domain/facts.ts';
import type { Mechanism } from '../domain/plan.ts';
import type { HideMode } from '../domain/property.ts';
import { type RungName, rungNames } from '../domain/rung.ts';
import { steps } from '../domain/steps.ts';

/** The mechanism of a run: of the rung that was asked for, else of the strongest that this machine has. Throws SBOX_E_RUNG. */
export const planMechanism = (wanted: RungName | undefined, capabilities: Capabilities, inside = false): Mechanism => {
  const order: readonly RungName[] = wanted === undefined ? rungNames : [wanted];
  const found = order.map((name) => mechanismOf(name, capabilities, inside));
  const usable = found.find((mechanism) => 'kind' in mechanism);
  if (usable) return usable;
  const reason = found[0] as Refusal;
  throw new SboxError({
    code: 'SBOX_E_RUNG',
    message: `cannot use rung "${wanted}": ${reason.message}`,
    cause: reason.cause,
    fix: reason.fix,
  });
};

/** Whether a broker has to hide undeclared paths. Throws SBOX_E_RUNG if that is asked for and can't be had. */
export const planHiding = (how: HideMode, mechanism: Mechanism, { listener }: Capabilities): boolean => {
  if (how === 'usual' || mechanism.kind === 'namespaces') return false;
  if (mechanism.kind === 'landlock' && listener) return true;
  throw new SboxError({
    code: 'SBOX_E_RUNG',
    message: `cannot hide strictly on rung "${mechanism.kind}"`,
    cause:
      mechanism.kind === 'portable'
        ? 'nothing there stands between the command and the kernel'
        : 'another program listens to system calls already, as inside another sandbox, or a filter refuses it',
    fix: 'leave "hide" out, or --hide usual; sbox doctor shows what works here',
  });
};

/** The mechanism of one rung here, or why it can't be had; `inside`: in another sandbox of sbox, which says so by the variable SBOX. */
export const mechanismOf = (
  name: RungName,
  { namespaces, landlockAbi, noLandlock, bareNamespaces }: Capabilities,
  inside = false,
): Mechanism | Refusal => {
  switch (name) {
    case 'namespaces':
      if ('root' in namespaces) return { kind: 'namespaces', ...namespaces };
      return inside ? { ...namespaces, ...insideAnother } : namespaces;
    case 'landlock':
      return noLandlock ?? { kind: 'landlock', abi: landlockAbi, namespaces: bareNamespaces };
    case 'portable':
      return { kind: 'portable' };
  }
};

/** A sandbox without the kernel's help is one that could not have namespaces either. */
const insideAnother: Pick<Refusal, 'cause' | 'fix'> = {
  cause: 'this is inside another sandbox of sbox, which refuses them or has none itself',
  fix: steps.leaveSandbox,
};
