import { parseAddress, renderAddress } from './address.ts';
import { parseHostName, quote } from './host.ts';
import type { HostTarget, PublishedPort } from './network.ts';
import { isRefused, type Parsed } from './parsed.ts';

/** A decimal number from 1 to 65535 without leading zeros. */
const parsePort = (text: string): Parsed<number> =>
  /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65535
    ? { value: Number(text) }
    : { problem: `${quote(text)} is not a port`, hint: 'write a number from 1 to 65535, for example 443' };

/** `host` or `host:port`; IPv6 addresses stand in brackets, and their colons are not the port's. */
export const splitPort = (text: string): Parsed<{ readonly host: string; readonly port?: number }> => {
  const [address = '', bits] = text.split('/');
  if (address.includes(':') && parseAddress(address) !== undefined) {
    return {
      problem: `${quote(text)} has colons that may be a port's`,
      hint: `write "[${address}]${bits === undefined ? '' : `/${bits}`}"`,
    };
  }
  const at = text.lastIndexOf(':');
  if (at <= text.lastIndexOf(']')) return { value: { host: text } };
  const port = parsePort(text.slice(at + 1));
  return isRefused(port) ? port : { value: { host: text.slice(0, at), port: port.value } };
};

/** `[address:]port:port`: a port of this host, and the port inside that it leads to. */
export const parsePublishedPort = (text: string): Parsed<PublishedPort> => {
  const [, host, outer, inner] = /^(?:(.+):)?([^:\]]*):([^:\]]*)$/s.exec(text) ?? [];
  if (outer === undefined || inner === undefined) return notPublished(text);
  const hostPort = parsePort(outer);
  if (isRefused(hostPort)) return hostPort;
  const port = parsePort(inner);
  if (isRefused(port)) return port;
  const ports = { hostPort: hostPort.value, port: port.value };
  if (host === undefined) return { value: ports };
  const address = parseBracketed(host);
  if (address !== undefined) return { value: { host: address, ...ports } };
  return {
    problem: `${quote(host)} is not an address of this host`,
    hint: `write "127.0.0.1:${outer}:${inner}", or "${outer}:${inner}" for the same`,
  };
};

/** A name of `network.hosts`: any but localhost, which is always loopback (RFC 6761, 6.3). */
export const parseMappedName = (text: string): Parsed<string> => {
  const name = parseHostName(text);
  if (isRefused(name) || name.value !== 'localhost') return name;
  return {
    problem: `"${text}" always stands for loopback`,
    hint: 'take another name, for example "api.test", or allow "localhost:PORT"',
  };
};

/** What stands for a name in `network.hosts`: `address` or `address:port`. */
export const parseHostTarget = (text: string): Parsed<HostTarget> => {
  const split = splitPort(text);
  if (isRefused(split)) return split;
  const { host, port } = split.value;
  const address = parseBracketed(host);
  if (address !== undefined) return { value: { address, ...(port !== undefined && { port }) } };
  return { problem: `${quote(host)} is not an address`, hint: 'write one as in "127.0.0.1:8443" or "[::1]:8443"' };
};

/** IPv4 without brackets, IPv6 within. */
const parseBracketed = (text: string): string | undefined => {
  const inner = /^\[(.*:.*)\]$/s.exec(text)?.[1];
  const address = inner === undefined && text.includes(':') ? undefined : parseAddress(inner ?? text);
  return address === undefined ? undefined : renderAddress(address);
};

const notPublished = (text: string): Parsed<never> => ({
  problem: `${quote(text)} does not name two ports`,
  hint: /^\d+$/.test(text) ? `write "${text}:${text}"` : 'write the port here and the port inside: "3000:3000"',
});
