import { type Address, isInNetwork, parseAddress } from '../domain/address.ts';
import type { EgressRule } from '../domain/network.ts';

/** Rules by what they match, in the order in which they were declared: a list of thousands costs one look-up a label. */
export interface RuleIndex {
  readonly names: ReadonlyMap<string, readonly EgressRule[]>;
  readonly subdomains: ReadonlyMap<string, readonly EgressRule[]>;
  readonly networks: readonly { readonly rule: EgressRule; readonly network: Address; readonly bits: number }[];
  readonly localhost: readonly EgressRule[];
}

/** Rules without `registry:` tokens, which the caller has replaced by what they stand for. */
export const indexRules = (rules: readonly EgressRule[]): RuleIndex => {
  const names = new Map<string, EgressRule[]>();
  const subdomains = new Map<string, EgressRule[]>();
  const networks: { rule: EgressRule; network: Address; bits: number }[] = [];
  const localhost: EgressRule[] = [];
  for (const rule of rules) {
    const { match } = rule;
    if (match.kind === 'localhost') localhost.push(rule);
    if (match.kind === 'network') {
      const network = parseAddress(match.address);
      if (network !== undefined) networks.push({ rule, network, bits: match.bits });
    }
    if (match.kind !== 'name') continue;
    const map = match.subdomains ? subdomains : names;
    const others = map.get(match.name);
    if (others) others.push(rule);
    else map.set(match.name, [rule]);
  }
  return { names, subdomains, networks, localhost };
};

/** Rules that name a host: itself, or a star over whole labels of it. */
export const rulesForName = (index: RuleIndex, name: string): readonly EgressRule[] => {
  const labels = name.split('.');
  const above = labels.slice(1).flatMap((_, at) => index.subdomains.get(labels.slice(at + 1).join('.')) ?? []);
  return [...(index.names.get(name) ?? []), ...above];
};

/** Rules that name an address, or a network that it lies in. */
export const rulesForAddress = (index: RuleIndex, address: Address): readonly EgressRule[] =>
  index.networks.filter(({ network, bits }) => isInNetwork(address, network, bits)).map(({ rule }) => rule);
