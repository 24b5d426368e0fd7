import type { Address } from '../domain/address.ts';
import type { Decision, DecisionReason, EgressRequest } from '../domain/decision.ts';
import { defaultPorts } from '../domain/egress-rule.ts';
import { type Host, parseHost, quote } from '../domain/host.ts';
import type { EgressRule } from '../domain/network.ts';
import { isRefused } from '../domain/parsed.ts';
import { aliasesOf, classifyAddress } from './address-class.ts';
import type { Asked } from './asked.ts';
import type { CompiledPolicy } from './policy.ts';
import { type RuleIndex, rulesForAddress, rulesForName } from './rules.ts';
import {
  explainAllowed,
  explainDenied,
  explainMode,
  explainNotAllowed,
  explainUnknownDeny,
  fixFor,
  sourceOf,
} from './sentences.ts';

/** What decisions need to know beside the policy. */
export interface Surroundings {
  /** addresses of this machine's interfaces: what mode `host-only` reaches beside loopback */
  readonly own: readonly Address[];
}

/**
 * The outcome of a request, as far as the host as it was spelled tells; a pure function. In order: the grammar; mode `none`; a `deny`
 * rule; the mode; an `allow` rule. `host` of the decision is what was matched, and the only thing that may be dialled.
 */
export const decide = (policy: CompiledPolicy, request: EgressRequest, surroundings: Surroundings): Decision => {
  const parsed = parseHost(request.host);
  if (isRefused(parsed)) return malformed(request, `${parsed.problem}: ${parsed.hint}`);
  if (!Number.isInteger(request.port) || request.port < 1 || request.port > 65535)
    return malformed(request, `${quote(String(request.port))} is not a port`);
  const host = parsed.value;
  const asked: Asked = { host, shown: showHost(host), port: request.port, request };
  if (policy.mode === 'none') return deny(asked, 'mode', explainMode('none', asked), fixFor(asked, 'none'));
  const against = denyRules(policy.deny, host).find((rule) => opens(rule, asked.port, 'every port'));
  if (against) return { ...deny(asked, 'denied', explainDenied(against, asked)), source: sourceOf(against) };
  if (policy.unknownDeny) {
    const { rule, problem } = policy.unknownDeny;
    return { ...deny(asked, 'denied', explainUnknownDeny(asked, rule, problem)), source: sourceOf(rule) };
  }
  if (policy.mode === 'full') return allow(asked, 'network mode full');
  if (policy.mode === 'host-only') {
    if (isThisMachine(host, surroundings.own)) return allow(asked, 'network mode host-only');
    return deny(asked, 'mode', explainMode('host-only', asked), fixFor(asked, 'host-only'));
  }
  const rules = allowRules(policy.allow, host);
  const rule = rules.find((candidate) => opens(candidate, asked.port, 'default ports'));
  if (rule) return allow(asked, sourceOf(rule));
  const reason = host.kind === 'address' ? 'address-not-allowed' : 'not-allowed';
  return deny(asked, reason, explainNotAllowed(asked, rules, policy.registryProblems), fixFor(asked, 'limited'));
};

/** Whether any port of a name may be asked for. */
export const decideName = (policy: CompiledPolicy, text: string): boolean => {
  const parsed = parseHost(text);
  if (isRefused(parsed) || parsed.value.kind === 'address' || policy.mode === 'none') return false;
  const host = parsed.value;
  if (denyRules(policy.deny, host).some(({ port }) => port === undefined)) return false;
  if (policy.mode === 'full') return true;
  return policy.mode === 'host-only' ? host.name === 'localhost' : allowRules(policy.allow, host).length > 0;
};

/** The `deny` rule that covers an address at a port, whatever name has led to it. */
export const denyingRule = (policy: CompiledPolicy, address: Address, port: number): EgressRule | undefined =>
  addressDenyRules(policy.deny, address).find((rule) => opens(rule, port, 'every port'));

/** Whether an `allow` rule names an address at a port. */
export const allowsAddress = (policy: CompiledPolicy, address: Address, port: number): boolean =>
  addressAllowRules(policy.allow, address).some((rule) => opens(rule, port, 'default ports'));

/** A refusal of a request that was allowed by its name. */
export const deny = (asked: Asked, reason: DecisionReason, sentence: string, fix?: string): Decision => ({
  verdict: 'deny',
  reason,
  host: asked.shown,
  port: asked.port,
  protocol: asked.request.protocol,
  sentence,
  ...(fix !== undefined && { fix }),
});

const allow = (asked: Asked, source: string): Decision => ({
  verdict: 'allow',
  reason: 'allowed',
  host: asked.shown,
  port: asked.port,
  protocol: asked.request.protocol,
  source,
  sentence: explainAllowed(asked, source),
});

const malformed = ({ host, port, protocol }: EgressRequest, why: string): Decision => ({
  verdict: 'deny',
  reason: 'malformed',
  // a client may send any amount of it
  host: host.slice(0, 256),
  port,
  protocol,
  sentence: why,
});

const showHost = (host: Host): string => (host.kind === 'name' ? host.name : host.text);

const opens = (rule: EgressRule, port: number, without: 'default ports' | 'every port'): boolean =>
  rule.port === undefined ? without === 'every port' || defaultPorts.includes(port) : rule.port === port;

const allowRules = (index: RuleIndex, host: Host): readonly EgressRule[] => {
  if (host.kind === 'address') return addressAllowRules(index, host.address);
  return host.name === 'localhost' ? index.localhost : rulesForName(index, host.name);
};

const denyRules = (index: RuleIndex, host: Host): readonly EgressRule[] => {
  if (host.kind === 'address') return addressDenyRules(index, host.address);
  const byName = rulesForName(index, host.name);
  return host.name === 'localhost' ? [...index.localhost, ...byName] : byName;
};

/** `localhost:port` names the two addresses that localhost stands for (RFC 6761), and no other of loopback's. */
const addressAllowRules = (index: RuleIndex, address: Address): readonly EgressRule[] => {
  const isLocalhost = address.value === (address.family === 4 ? 0x7f000001n : 1n);
  return [...rulesForAddress(index, address), ...(isLocalhost ? index.localhost : [])];
};

const addressDenyRules = (index: RuleIndex, address: Address): readonly EgressRule[] => {
  const aliases = aliasesOf(address);
  const isLoopback = aliases.some((alias) => classifyAddress(alias) === 'loopback');
  return [...aliases.flatMap((alias) => rulesForAddress(index, alias)), ...(isLoopback ? index.localhost : [])];
};

const isThisMachine = (host: Host, own: readonly Address[]): boolean => {
  if (host.kind === 'name') return host.name === 'localhost';
  const kind = classifyAddress(host.address, own);
  const { family, value } = host.address;
  return kind === 'loopback' || own.some((mine) => mine.family === family && mine.value === value);
};
