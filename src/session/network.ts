import type { Duplex } from 'node:stream';
import type { Facts } from '../domain/facts.ts';
import type { Plan } from '../domain/plan.ts';
import type { Launched } from '../rungs/launch.ts';

/**
 * Connects a run's brokers with what decides on its connections, which is loaded when the first of them has something to say: most
 * short commands never connect.
 */
export const followBrokers = (plan: Plan, { brokers, child }: Launched, arch: Facts['arch']): void => {
  const [outside, inside] = brokers.map(holdBack);
  if (outside === undefined || inside === undefined) return;
  const start = async (): Promise<void> => {
    const { openBroker, openBrokerLink, refuseAll } = await import('../egress/index.ts');
    const ownNetwork =
      plan.mechanism.kind === 'namespaces' || (plan.mechanism.kind === 'landlock' && plan.mechanism.namespaces);
    openBroker({
      arch,
      outside: openBrokerLink(outside.channel, 4, arch),
      ...(ownNetwork && { inside: openBrokerLink(inside.channel, 5, arch) }),
      supervisor: child.pid ?? -1,
      route: refuseAll,
    });
    outside.release();
    inside.release();
  };
  outside.onFirst(start);
};

/** Keeps what arrives until it can be read by its reader. */
const holdBack = (channel: Duplex) => {
  const held: Buffer[] = [];
  let first = (): void => {};
  const hold = (chunk: Buffer): void => {
    held.push(chunk);
    if (held.length === 1) first();
  };
  channel.on('data', hold);
  channel.on('error', () => {}); // its end is told by 'close'
  return {
    channel,
    onFirst: (listener: () => Promise<void>) => {
      first = () => void listener();
    },
    release: () => {
      channel.off('data', hold);
      for (const chunk of held) channel.emit('data', chunk);
    },
  };
};
