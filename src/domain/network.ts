import type { Parsed } from './parsed.ts';

/** `none`: own loopback only; `limited`: declared hosts only; `host-only`: this machine; `full`: everything. */
export type NetworkMode = 'none' | 'limited' | 'host-only' | 'full';
export const networkModes: readonly NetworkMode[] = ['none', 'limited', 'host-only', 'full'];

/** Clients whose package registry a rule may name: `registry:npm`. */
export type RegistryClient = 'npm' | 'pip';
export const registryClients: readonly RegistryClient[] = ['npm', 'pip'];

/** One entry of `network.allow` or `network.deny`. */
export interface EgressRule {
  /** as the operator wrote it */
  readonly text: string;
  /** for messages: the document's place or the option that declared it */
  readonly origin: string;
  readonly match: RuleMatch;
  /** absent: 443 and 80 for an `allow`, every port for a `deny` */
  readonly port?: number;
}

export type RuleMatch =
  /** a host name in canonical form; with `subdomains` only what lies below it */
  | { readonly kind: 'name'; readonly name: string; readonly subdomains: boolean }
  /** an address or a network of them, in canonical form; 128 or 32 bits for a single one */
  | { readonly kind: 'network'; readonly address: string; readonly family: 4 | 6; readonly bits: number }
  /** a port of the host's loopback */
  | { readonly kind: 'localhost' }
  /** what the user's client configuration names, read at the first use */
  | { readonly kind: 'registry'; readonly client: RegistryClient };

/** What stands for a name: that address is connected to, at that port or the one asked for. */
export interface HostTarget {
  readonly address: string;
  readonly port?: number;
}

/** The same as it was declared. */
export interface DeclaredHost extends HostTarget {
  readonly origin: string;
}

/** A port of the host's loopback that leads to one inside. */
export interface PublishedPort {
  /** an address of this host; 127.0.0.1 if absent */
  readonly host?: string;
  readonly hostPort: number;
  readonly port: number;
}

/** The same as it was declared. */
export interface DeclaredPort extends PublishedPort {
  readonly origin: string;
}

/** What may leave: an empty `allow` in mode `limited` reaches nothing. */
export interface EgressPolicy {
  readonly mode: NetworkMode;
  readonly allow: readonly EgressRule[];
  /** wins over `allow` */
  readonly deny: readonly EgressRule[];
  /** names with the address, and perhaps port, that stands for them; the name must still be allowed */
  readonly hosts: Readonly<Record<string, HostTarget>>;
}

/** All that is declared of the network, with where it was declared. */
export interface NetworkPolicy extends EgressPolicy {
  readonly hosts: Readonly<Record<string, DeclaredHost>>;
  readonly publish: readonly DeclaredPort[];
}

/** A network where nothing but the mode is declared. */
export const bareNetwork = (mode: NetworkMode): NetworkPolicy => ({
  mode,
  allow: [],
  deny: [],
  hosts: {},
  publish: [],
});

/** A document's `network`: in one that names the mode itself, a `deny` that does nothing is a mistake. */
export const parseNetwork = <T extends { readonly mode?: NetworkMode; readonly deny?: readonly unknown[] }>(
  network: T,
): Parsed<T> =>
  network.mode === 'full' && network.deny !== undefined && network.deny.length > 0
    ? {
        problem: '"deny" does nothing with mode "full", in which nothing is looked at',
        hint: 'remove "deny", or take mode "limited" and name in "allow" what may be reached',
      }
    : { value: network };
