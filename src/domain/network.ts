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

/** A port of the host's loopback that leads to one inside. */
export interface PublishedPort {
  /** an address of this host; 127.0.0.1 if absent */
  readonly host?: string;
  readonly hostPort: number;
  readonly port: number;
}

/** What may leave: an empty `allow` in mode `limited` reaches nothing. */
export interface EgressPolicy {
  readonly mode: NetworkMode;
  readonly allow: readonly EgressRule[];
  /** wins over `allow` */
  readonly deny: readonly EgressRule[];
  /** names with the address, and perhaps port, that stands for them; the name must still be allowed */
  readonly hosts: Readonly<Record<string, { readonly address: string; readonly port?: number }>>;
}
