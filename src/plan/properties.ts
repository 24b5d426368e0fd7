import type { Facts } from '../domain/facts.ts';
import type { Plan } from '../domain/plan.ts';
import type { Property, PropertyName, PropertyStatus } from '../domain/property.ts';

/** What the namespaces rung promises for a plan on this host. */
export const planProperties = (
  plan: Pick<Plan, 'network' | 'limits' | 'user' | 'userNamespaces'>,
  facts: Facts,
): Property[] => [
  property('hide', 'enforced', 'the root holds declared mounts only'),
  property('read', 'enforced', 'nothing else is mounted'),
  property('write', 'enforced', 'read-only mounts; the rest is private'),
  property('home', 'enforced', "the sandbox's own directory is mounted there"),
  property('env', 'enforced', 'an allowlist'),
  property('path', 'enforced', 'visible directories only'),
  planNetwork(plan.network.mode),
  planSockets(plan, facts),
  property('process', 'enforced', 'a PID namespace of its own, ended with the run'),
  property('tty', 'enforced', 'TIOCSTI and TIOCLINUX are refused'),
  planLimits(plan),
];

const property = (name: PropertyName, status: PropertyStatus, why: string): Property => ({ name, status, why });

const planNetwork = (mode: Plan['network']['mode']): Property =>
  mode === 'full'
    ? property('network', 'open', 'mode full: everything that the host reaches')
    : property('network', 'enforced', 'a network namespace of its own with loopback only');

const planSockets = ({ network }: Pick<Plan, 'network'>, facts: Facts): Property =>
  network.mode === 'full' && facts.capabilities.landlockAbi < 6
    ? property('sockets', 'open', "mode full shares the host's abstract sockets, and Landlock ABI 6 is missing")
    : property('sockets', 'partial', 'a unix socket that lies in a declared mount can be connected to');

const planLimits = ({ limits, user }: Pick<Plan, 'limits' | 'user'>): Property =>
  limits.processes !== undefined && user.uid === 0
    ? property('limits', 'partial', 'rlimits per process; the kernel does not count the processes of uid 0')
    : property('limits', 'enforced', 'rlimits per process');
