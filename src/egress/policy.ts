import { parseAddress } from '../domain/address.ts';
import { parseHost } from '../domain/host.ts';
import type { EgressPolicy, EgressRule, HostTarget, NetworkMode, RegistryClient } from '../domain/network.ts';
import { isRefused } from '../domain/parsed.ts';
import type { ResolvedRegistry } from './registry/resolve.ts';
import { indexRules, type RuleIndex } from './rules.ts';

/** A policy made ready for decisions. */
export interface CompiledPolicy {
  readonly mode: NetworkMode;
  readonly allow: RuleIndex;
  readonly deny: RuleIndex;
  readonly hosts: ReadonlyMap<string, HostTarget>;
  /** names that a `registry:` token stands for: the operator's own client leads there, so they may lie in a private network */
  readonly registryNames: ReadonlySet<string>;
  /** why a `registry:` token of `allow` stands for less than it could */
  readonly registryProblems: readonly string[];
  /** a `registry:` token of `deny` that was asked for and names no host: what it should close is not known */
  readonly unknownDeny?: { readonly rule: EgressRule; readonly problem: string };
}

export type Registries = Readonly<Partial<Record<RegistryClient, ResolvedRegistry>>>;

/** Replaces `registry:` tokens by the hosts that were found for them; a token that is not among them stands for nothing. */
export const compilePolicy = (policy: EgressPolicy, registries: Registries = {}): CompiledPolicy => {
  const expand = (rules: readonly EgressRule[]) => rules.flatMap((rule) => expandRule(rule, registries));
  const unknownDeny = policy.deny.flatMap((rule) => {
    const found = rule.match.kind === 'registry' ? registries[rule.match.client] : undefined;
    return found?.hosts.length === 0 ? [{ rule, problem: found.problem ?? `${rule.text} names no host` }] : [];
  })[0];
  const tokens = registriesIn(policy.allow).map((client) => registries[client]);
  return {
    mode: policy.mode,
    allow: indexRules(expand(policy.allow)),
    deny: indexRules(expand(policy.deny)),
    // a map: "constructor" is a valid host name
    hosts: new Map(Object.entries(policy.hosts)),
    registryNames: new Set(tokens.flatMap((found) => found?.hosts.map(({ host }) => host) ?? [])),
    registryProblems: tokens.flatMap((found) => found?.problem ?? []),
    ...(unknownDeny && { unknownDeny }),
  };
};

/** The clients that rules name. */
export const registriesIn = (rules: readonly EgressRule[]): readonly RegistryClient[] => [
  ...new Set(rules.flatMap(({ match }) => (match.kind === 'registry' ? [match.client] : []))),
];

const expandRule = (rule: EgressRule, registries: Registries): EgressRule[] => {
  if (rule.match.kind !== 'registry') return [rule];
  return (registries[rule.match.client]?.hosts ?? []).flatMap(({ host, port }) => {
    const parsed = parseHost(host);
    if (isRefused(parsed)) return [];
    const { text, origin } = rule;
    return [{ text, origin, match: matchOf(parsed.value), port }];
  });
};

const matchOf = (host: Extract<ReturnType<typeof parseHost>, { value: unknown }>['value']): EgressRule['match'] => {
  if (host.kind === 'name')
    return host.name === 'localhost' ? { kind: 'localhost' } : { kind: 'name', name: host.name, subdomains: false };
  const { family } = host.address;
  return { kind: 'network', address: host.text, family, bits: family === 4 ? 32 : 128 };
};

/** Addresses of this machine as they come from the system, without what can't be read. */
export const parseAddresses = (texts: readonly string[]) =>
  texts.flatMap((text) => parseAddress(text.replace(/%.*$/, '')) ?? []);
