import { lookup as dnsLookup } from 'node:dns/promises';
import { type Address, parseAddress, renderAddress } from '../domain/address.ts';
import type { EgressRule } from '../domain/network.ts';
import { printable } from '../domain/printable.ts';
import { type AddressClass, classifyAddress } from './address-class.ts';
import { allowsAddress, denyingRule } from './decide.ts';
import type { CompiledPolicy } from './policy.ts';

/** The addresses of a name, in the order in which they are to be tried. Rejects with a code of getaddrinfo(3). */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** As every program of the host resolves: getaddrinfo(3), so that /etc/hosts and the system's settings count. */
export const systemLookup: Lookup = async (name) =>
  (await dnsLookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address);

/** Look-ups of one name that are under way at the same time are one: getaddrinfo(3) holds one of a few threads. */
export const shareLookups = (lookup: Lookup): Lookup => {
  const underWay = new Map<string, Promise<readonly string[]>>();
  return (name) => {
    const known = underWay.get(name);
    if (known) return known;
    const found = lookup(name).finally(() => underWay.delete(name));
    underWay.set(name, found);
    return found;
  };
};

/** What a name may lead to of what it resolved to: addresses in canonical form, or the first reason against. */
export type Checked =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'denied'; readonly rule: EgressRule }
  | { readonly kind: 'forbidden'; readonly address: string; readonly class: AddressClass };

/** Checks what an allowed name resolved to, address by address; what is wrong with one does not close the others. */
export const checkAddresses = (
  texts: readonly string[],
  { name, port }: { readonly name: string; readonly port: number },
  policy: CompiledPolicy,
  own: readonly Address[],
): Checked => {
  const verdicts = texts.map((text) => checkAddress(text, name, port, policy, own));
  const addresses = verdicts.flatMap((verdict) => (verdict.kind === 'addresses' ? verdict.addresses : []));
  const refused = verdicts.find(({ kind }) => kind === 'denied') ?? verdicts.find(({ kind }) => kind === 'forbidden');
  return addresses.length > 0 || refused === undefined ? { kind: 'addresses', addresses } : refused;
};

const checkAddress = (
  text: string,
  name: string,
  port: number,
  policy: CompiledPolicy,
  own: readonly Address[],
): Checked => {
  const address = parseAddress(text);
  // with a zone, as in fe80::1%eth0
  if (address === undefined) return { kind: 'forbidden', address: printable(text, 64), class: 'link-local' };
  const rule = denyingRule(policy, address, port);
  if (rule) return { kind: 'denied', rule };
  const shown = renderAddress(address);
  const kind = classifyAddress(address, own);
  const mayLead =
    policy.mode === 'full' ||
    kind === 'public' ||
    (policy.registryNames.has(name) && mirrors.includes(kind)) ||
    allowsAddress(policy, address, port);
  return mayLead ? { kind: 'addresses', addresses: [shown] } : { kind: 'forbidden', address: shown, class: kind };
};

/** Where a company keeps its mirror: the operator's own client settings name that host, so no rule has to repeat its address. */
const mirrors: readonly AddressClass[] = ['private', 'documentation', 'benchmarking'];
