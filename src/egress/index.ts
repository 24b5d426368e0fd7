/** What a session loads when its sandbox first connects. */
export { type Network, openNetwork } from './network.ts';
