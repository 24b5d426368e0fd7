import type { Plan } from '../../domain/plan.ts';

/** The descriptor that connects a program with the launcher. */
export const channel = 3;
/** The descriptors that connect the brokers with it: the one outside, and the one in the sandbox's own network. */
export const brokerChannel = { outside: 4, inside: 5 } as const;
/** The descriptor over which the broker inside hands sockets to the launcher, as Node's processes hand them to each other. */
export const handleChannel = 6;

/** What of a plan tells which channels its program has. */
export type ChannelPlan = Pick<Plan, 'broker' | 'mechanism' | 'network'>;

/** Whether the run has a network namespace, and in it a broker of its own. */
export const hasOwnNetwork = ({ mechanism }: Pick<Plan, 'mechanism'>): boolean =>
  mechanism.kind === 'namespaces' || (mechanism.kind === 'landlock' && mechanism.namespaces);

const handsSockets = (plan: ChannelPlan): boolean =>
  plan.broker && plan.network.publish.length > 0 && hasOwnNetwork(plan);

/** All channels of a program, in the order of their numbers. */
export const channelsOf = (plan: ChannelPlan): readonly number[] => [
  channel,
  ...(plan.broker ? [brokerChannel.outside, brokerChannel.inside] : []),
  ...(handsSockets(plan) ? [handleChannel] : []),
];
