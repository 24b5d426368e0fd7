/** What a session loads when its sandbox first connects, or publishes a port. */
export { openAdvisoryProxy } from './advisory.ts';
export { type Network, openNetwork } from './network.ts';
export { openPublished, type Published } from './publish.ts';
export { resolveRegistry } from './registry/resolve.ts';
