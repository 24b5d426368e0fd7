import { bitsOf, networkOf, parseAddress, renderAddress, renderAuthority } from './address.ts';
import { parseHostName, quote } from './host.ts';
import { parseWord } from './names.ts';
import { type EgressRule, registryClients } from './network.ts';
import { isRefused, type Parsed } from './parsed.ts';
import { splitPort } from './port.ts';

/** What a rule says, without where it was said. */
export type WrittenRule = Pick<EgressRule, 'match' | 'port'>;

/**
 * An entry of `network.allow`: `host`, `*.host`, an address, `address/bits`, each with or without `:port`; IPv6 in brackets;
 * `localhost:port`; `registry:npm`.
 */
export const parseAllowRule = (text: string): Parsed<WrittenRule> => parseRule(text, 'allow');

/** An entry of `network.deny`: the same, and `localhost` without a port, `*.com` and networks of any size. */
export const parseDenyRule = (text: string): Parsed<WrittenRule> => parseRule(text, 'deny');

/** Ports that an `allow` rule without one opens. */
export const defaultPorts: readonly number[] = [443, 80];

type Use = 'allow' | 'deny';

const parseRule = (text: string, use: Use): Parsed<WrittenRule> => {
  // a host may be called "registry" too, and then has a port
  if (/^registry:(?!\d*$)/.test(text)) return parseRegistry(text.slice('registry:'.length));
  const bare = strip(text);
  if (bare !== undefined) return { problem: `${quote(text)} is not a host`, hint: `write "${bare}"` };
  if (text === '*' || text === '*.' || /^\*:\d+$/.test(text)) return everything(text, use);
  const split = splitPort(text);
  if (isRefused(split)) return split;
  const { host, port } = split.value;
  const at = port === undefined ? {} : { port };
  if (/^localhost\.?$/i.test(host)) return port === undefined && use === 'allow' ? bareLocalhost : loopback(at);
  const match = parseMatch(host, use);
  return isRefused(match) ? match : { value: { match: match.value, ...at } };
};

const loopback = (at: { readonly port?: number }): Parsed<WrittenRule> => ({
  value: { match: { kind: 'localhost' }, ...at },
});

const parseRegistry = (client: string): Parsed<WrittenRule> => {
  const known = parseWord(client, registryClients, 'a client whose registry can be named');
  if (!isRefused(known)) return { value: { match: { kind: 'registry', client: known.value } } };
  const forms = registryClients.map((word) => `"registry:${word}"`).join(' or ');
  return { problem: `${quote(`registry:${client}`)} names no known client`, hint: `write ${forms}` };
};

const parseMatch = (host: string, use: Use): Parsed<EgressRule['match']> => {
  if (host.includes('/') || host.startsWith('[') || parseAddress(host) !== undefined) return parseNetwork(host, use);
  if (host.startsWith('*.')) return parseSubdomains(host, use);
  if (host.includes('*') || host.startsWith('.')) return misplacedStar(host);
  const name = parseHostName(host);
  return isRefused(name) ? name : { value: { kind: 'name', name: name.value, subdomains: false } };
};

/** Below a top-level domain anybody can have a name: no one means all of them, but one may deny them. */
const parseSubdomains = (host: string, use: Use): Parsed<EgressRule['match']> => {
  const name = parseHostName(host.slice(2));
  if (isRefused(name)) return host.slice(2).includes('*') ? misplacedStar(host) : name;
  if (use === 'deny' || name.value.includes('.'))
    return { value: { kind: 'name', name: name.value, subdomains: true } };
  return {
    problem: `"${host}" would allow every name that anyone has below "${name.value}"`,
    hint: `write at least two labels behind the star, for example "*.example.${name.value}"`,
  };
};

const misplacedStar = (host: string): Parsed<never> => {
  const name = parseHostName(host.replace(/^[*.]+/, '').replace(/^.*\*[^.]*\./, ''));
  const hint = isRefused(name)
    ? 'write "example.com" or "*.example.com"'
    : `a star stands for whole labels in front: write "*.${name.value}"`;
  return { problem: `${quote(host)} is not a host name`, hint };
};

const parseNetwork = (text: string, use: Use): Parsed<EgressRule['match']> => {
  const [, inBrackets, plain, size] = /^(?:\[([^\]]*)\]|([^/[\]]*))(?:\/(.*))?$/s.exec(text) ?? [];
  const address = parseAddress(inBrackets ?? plain ?? '');
  if (address === undefined || (inBrackets !== undefined && !inBrackets.includes(':'))) {
    const hint =
      inBrackets !== undefined && parseAddress(inBrackets) !== undefined
        ? `write "${inBrackets}${size === undefined ? '' : `/${size}`}"`
        : 'write one as in "192.0.2.1", "192.0.2.0/24", "[2001:db8::1]" or "[2001:db8::]/32"';
    return { problem: `${quote(text)} is not an address`, hint };
  }
  const mapped = inBrackets !== undefined && address.family === 4;
  const bits = parseBits(size, mapped ? 128 : bitsOf(address.family));
  const own = bits === undefined ? undefined : mapped ? bits - 96 : bits;
  if (own === undefined || own < 0)
    return {
      problem: `${quote(text)} has no valid number of bits`,
      hint: `write ${mapped ? 'from 96 to 128' : `up to ${bitsOf(address.family)}`} behind the slash`,
    };
  if (own === 0 && use === 'allow') return everything(text, use);
  const shown = renderAddress(address);
  const first = renderAddress(networkOf(address, own));
  const written = mapped ? `${first}/${own}` : `${renderAuthority(first)}/${own}`;
  if (shown !== first) return { problem: `${quote(text)} has bits set behind the network`, hint: `write "${written}"` };
  return { value: { kind: 'network', address: first, family: address.family, bits: own } };
};

const parseBits = (text: string | undefined, most: number): number | undefined => {
  if (text === undefined) return most;
  return /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= most ? Number(text) : undefined;
};

/** The host and port of a URL, or what is behind a user's name; undefined if the text holds neither. */
const strip = (text: string): string | undefined => {
  const [, scheme, user, rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?([^/@]*@)?([^/?#]*)/i.exec(text) ?? [];
  if (scheme === undefined && user === undefined) {
    const path = /^([A-Za-z0-9._-]*[A-Za-z_-][A-Za-z0-9._-]*(?::\d+)?)\//.exec(text)?.[1];
    return path !== undefined && parsePlain(path) ? path : undefined;
  }
  const shown = scheme?.toLowerCase() === 'https://' ? rest.replace(/:443$/, '') : rest;
  return parsePlain(shown) ? shown : 'example.com';
};

const parsePlain = (text: string): boolean => {
  const split = splitPort(text);
  return !isRefused(split) && !isRefused(parseMatch(split.value.host, 'deny'));
};

const everything = (text: string, use: Use): Parsed<never> => ({
  problem: `${quote(text)} would ${use} everything`,
  hint:
    use === 'allow'
      ? 'name hosts, for example "*.example.com"; network mode "full" (--net full) reaches everything'
      : 'network mode "none" (--net none) reaches nothing',
});

const bareLocalhost: Parsed<never> = {
  problem: '"localhost" would open every port of this machine',
  hint: 'name the port, for example "localhost:5432"',
};
