import { renderAuthority } from '../domain/address.ts';
import { defaultPorts } from '../domain/egress-rule.ts';
import type { EgressRule, NetworkMode } from '../domain/network.ts';
import type { AddressClass } from './address-class.ts';
import type { Asked } from './asked.ts';

/** `host:port`, of IPv6 with brackets. */
const showAuthority = ({ shown, port }: Pick<Asked, 'shown' | 'port'>): string => `${renderAuthority(shown)}:${port}`;

/** A rule and where it was declared. */
export const sourceOf = ({ text, origin }: EgressRule): string => `${text} (${origin})`;

/** Why a request is allowed. */
export const explainAllowed = (asked: Asked, source: string): string =>
  `${showAuthority(asked)} is allowed by ${source}`;

/** Why a `deny` rule refuses a request; nothing that could be added helps. */
export const explainDenied = (rule: EgressRule, asked: Asked): string =>
  `${showAuthority(asked)} is denied by ${sourceOf(rule)}, which wins over every allow`;

/** Why nothing is allowed while it is not known what a `deny` rule means. */
export const explainUnknownDeny = (asked: Asked, rule: EgressRule, problem: string): string =>
  `${showAuthority(asked)} may be what ${sourceOf(rule)} denies: ${problem}`;

/** Why the mode refuses a request. */
export const explainMode = (mode: NetworkMode, asked: Asked): string =>
  mode === 'none'
    ? `${showAuthority(asked)} is not allowed: network mode none reaches nothing`
    : `${showAuthority(asked)} is not allowed: network mode ${mode} reaches localhost and this machine's own addresses only`;

/** Why no rule allows a request; `rules` name its host, but another port. */
export const explainNotAllowed = (asked: Asked, rules: readonly EgressRule[], problems: readonly string[]): string => {
  const [near] = rules;
  const ports = near?.port ?? defaultPorts.join(' and ');
  const why =
    near === undefined ? 'no rule names it' : `${sourceOf(near)} opens port${near.port ? '' : 's'} ${ports} alone`;
  return [`${showAuthority(asked)} is not allowed: ${why}`, ...problems].join('; ');
};

/** Why an allowed name may not lead where it does. */
export const explainForbidden = (asked: Asked, address: string, kind: AddressClass): string =>
  `${showAuthority(asked)} is allowed, but it stands for ${address}, ${describeClass(kind)}, and no rule names that address`;

/** The option that allows a host and port; the ports that a rule opens by itself are left out. */
export const fixFor = ({ shown, port }: Pick<Asked, 'shown' | 'port'>, mode: NetworkMode): string => {
  const isLocalhost = ['localhost', '127.0.0.1', '::1'].includes(shown);
  const host = isLocalhost ? 'localhost' : renderAuthority(shown);
  const text = defaultPorts.includes(port) && !isLocalhost ? host : `${host}:${port}`;
  // a shell takes brackets for a pattern
  const option = `--allow ${text.startsWith('[') ? `"${text}"` : text}`;
  return mode === 'limited' ? option : `--net limited ${option}`;
};

const describeClass = (kind: AddressClass): string =>
  ({
    public: 'a public address',
    loopback: "the host's loopback",
    unspecified: "the host's loopback by another name",
    'link-local': 'a link-local address',
    metadata: "a cloud's metadata service",
    private: 'a private address',
    multicast: 'a multicast address',
    broadcast: 'a broadcast address',
    documentation: 'an address for documentation',
    benchmarking: 'an address for benchmarks',
    reserved: 'a reserved address',
    own: "this machine's own address",
  })[kind];
