import type { Capabilities } from '../domain/facts.ts';
import type { Mechanism } from '../domain/plan.ts';
import type { Property, PropertyName } from '../domain/property.ts';
import { steps } from '../domain/steps.ts';

/** A step that would make more of these properties. */
export interface Advice {
  readonly properties: readonly PropertyName[];
  readonly step: string;
}

export interface AdviceQuestion {
  /** what a run gets, and how */
  readonly properties: readonly Property[];
  readonly mechanism: Mechanism;
  readonly capabilities: Capabilities;
  /** whether this is inside another sandbox of sbox */
  readonly inside: boolean;
  /** whether parts of /proc are hidden, as a container's are */
  readonly maskedProc: boolean;
}

/** What would give more, for every property that is not enforced. */
export const planAdvice = (question: AdviceQuestion): Advice[] => {
  const { properties, mechanism, capabilities, inside, maskedProc } = question;
  const { namespaces, noLandlock, listener } = capabilities;
  const weak = properties.filter(({ status }) => status !== 'enforced').map(({ name }) => name);
  const advise = (names: readonly PropertyName[], step: string | false | undefined): Advice[] => {
    const found = weak.filter((name) => names.includes(name));
    return found.length > 0 && step ? [{ properties: found, step }] : [];
  };
  if (inside) return advise(weak, steps.leaveSandbox);
  if (mechanism.kind === 'namespaces') {
    return [
      ...advise(['process'], steps.showProc),
      ...advise(
        ['sockets'],
        !listener && `run sbox where no other program listens to system calls; ${steps.allowCalls}`,
      ),
    ];
  }
  return [
    ...advise(weak, 'fix' in namespaces && namespaces.fix),
    ...advise(['process'], maskedProc && `beside that, ${steps.showProc}`),
    ...advise(ofLandlock, mechanism.kind === 'portable' && noLandlock?.fix),
  ];
};

/** What the landlock rung enforces, too. */
const ofLandlock: readonly PropertyName[] = ['read', 'network', 'sockets', 'tty'];
