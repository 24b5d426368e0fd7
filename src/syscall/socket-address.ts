import { type Address, parseAddress as parseText, renderAddress as renderText } from '../domain/address.ts';
import { AF_INET, AF_INET6 } from './constants.ts';

/** An address of TCP or UDP. */
export interface InternetAddress {
  readonly family: 4 | 6;
  /** dotted decimal, or IPv6 as RFC 5952 writes it without a zone; never an IPv4 address inside IPv6 */
  readonly address: string;
  readonly port: number;
}

/**
 * Where the address lies in struct sockaddr_in and sockaddr_in6, and how long they are (ip(7), ipv6(7)). The kernel takes the latter without
 * its last field, too (net/ipv6/tcp_ipv6.c, SIN6_LEN_RFC2133).
 */
const layout = {
  4: { total: 16, least: 16, at: 4, bytes: 4 },
  6: { total: 28, least: 24, at: 8, bytes: 16 },
} as const;

/** struct sockaddr_in or sockaddr_in6. Throws a RangeError if the address is none. */
export const renderAddress = ({ family, address, port }: InternetAddress): Buffer => {
  const parsed = parseText(address);
  if (parsed?.family !== family) throw new RangeError(`"${address}" is no IPv${family} address`);
  const { total, at, bytes } = layout[family];
  const rendered = Buffer.alloc(total);
  rendered.writeUInt16LE(family === 4 ? AF_INET : AF_INET6, 0);
  rendered.writeUInt16BE(port, 2);
  rendered.write(parsed.value.toString(16).padStart(2 * bytes, '0'), at, 'hex');
  return rendered;
};

/** Its bytes alone: struct in_addr or in6_addr. */
export const renderBareAddress = (address: InternetAddress): Buffer => {
  const { at, bytes } = layout[address.family];
  return renderAddress(address).subarray(at, at + bytes);
};

/** The address in a struct sockaddr; an IPv4 address inside IPv6 (RFC 4291, 2.5.5.2) as the former; undefined if it is none, or cut short. */
export const parseAddress = (rendered: Buffer): InternetAddress | undefined => {
  if (rendered.length < layout[4].least) return undefined;
  const [domain, port] = [rendered.readUInt16LE(0), rendered.readUInt16BE(2)];
  if (domain !== AF_INET && domain !== AF_INET6) return undefined;
  const { least, at, bytes } = layout[domain === AF_INET ? 4 : 6];
  if (rendered.length < least) return undefined;
  const value = BigInt(`0x${rendered.toString('hex', at, at + bytes)}`);
  const address = withoutMapping({ family: domain === AF_INET ? 4 : 6, value });
  return { family: address.family, address: renderText(address), port };
};

const withoutMapping = (address: Address): Address =>
  address.family === 6 && address.value >> 32n === 0xffffn
    ? { family: 4, value: address.value & 0xffff_ffffn }
    : address;
