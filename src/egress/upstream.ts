import { isInNetwork, parseAddress } from '../domain/address.ts';

/** The operator's own proxy, that what leaves goes through. */
export interface Upstream {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** `user:password` as it goes into basic authentication */
  readonly credentials?: string;
  /** for messages: without user and password */
  readonly shown: string;
}

export type FoundUpstream = Upstream | 'direct' | { readonly problem: string };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Which proxy the operator's environment names for a host and port: http_proxy for port 80, https_proxy for every other, else
 * all_proxy; lower case wins, an empty variable means none, no_proxy excepts. Loopback is never sent to a proxy.
 */
export const findUpstream = (env: Environment, host: string, port: number): FoundUpstream => {
  if (isLoopback(host) || isExcepted(read(env, 'no_proxy')?.value ?? '', host, port)) return 'direct';
  const found = read(env, port === 80 ? 'http_proxy' : 'https_proxy') ?? read(env, 'all_proxy');
  return found === undefined || found.value === '' ? 'direct' : parseUpstream(found.name, found.value);
};

const read = (env: Environment, name: string): { readonly name: string; readonly value: string } | undefined => {
  for (const spelled of [name, name.toUpperCase()]) {
    const value = env[spelled];
    if (value !== undefined) return { name: spelled, value: value.trim() };
  }
  return undefined;
};

/** Only what can open a tunnel is taken; whatever else stands there is no reason to go around it. */
const parseUpstream = (name: string, text: string): FoundUpstream => {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  const kind = scheme === undefined || /^https?$/i.test(scheme) ? '' : ` (${scheme})`;
  const problem = {
    problem: `${name} names no proxy that sbox can use${kind}: write http://host:port or https://host:port, or unset it`,
  };
  const full = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(full)) return problem;
  const url = new URL(full);
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') return problem;
  const secure = url.protocol === 'https:';
  const credentials = decode(url.username === '' && url.password === '' ? '' : `${url.username}:${url.password}`);
  if (credentials === undefined) return problem;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    secure,
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    ...(credentials !== '' && { credentials }),
    shown: `${url.protocol}//${url.host}`,
  };
};

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

const isLoopback = (host: string): boolean => {
  const address = parseAddress(host);
  if (address === undefined) return host === 'localhost';
  return address.family === 4 ? address.value >> 24n === 127n : address.value === 1n;
};

/** Entries are names with all below them, addresses, networks, each perhaps with a port, or a star for everything. */
const isExcepted = (list: string, host: string, port: number): boolean =>
  list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => excepts(entry.toLowerCase(), host, port));

const excepts = (entry: string, host: string, port: number): boolean => {
  if (entry === '*') return true;
  const address = parseAddress(host);
  const [, network = '', bits] = /^\[?([^\]/]*)\]?(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const base = parseAddress(network);
  if (base !== undefined) {
    const most = base.family === 4 ? 32 : 128;
    return address !== undefined && isInNetwork(address, base, Math.min(most, Number(bits ?? most)));
  }
  const [, name = '', only] = /^(.*?)(?::(\d{1,5}))?$/.exec(entry) ?? [];
  if (only !== undefined && Number(only) !== port) return false;
  const plain = parseAddress(name.replace(/^\[|\]$/g, ''));
  if (plain !== undefined)
    return address !== undefined && address.family === plain.family && address.value === plain.value;
  const suffix = name.replace(/^\*?\./, '').replace(/\.$/, '');
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
};
