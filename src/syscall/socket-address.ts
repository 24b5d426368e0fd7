import { isIP, isIPv4 } from 'node:net';
import { AF_INET, AF_INET6 } from './constants.ts';

/** An address of TCP or UDP. */
export interface InternetAddress {
  readonly family: 4 | 6;
  /** dotted decimal, or IPv6 as RFC 5952 writes it without a zone */
  readonly address: string;
  readonly port: number;
}

/** struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)). Throws a RangeError if the address is none. */
export const renderAddress = ({ family, address, port }: InternetAddress): Buffer => {
  if (isIP(address) !== family) throw new RangeError(`"${address}" is no IPv${family} address`);
  const bytes = Buffer.alloc(family === 4 ? 16 : 28);
  bytes.writeUInt16LE(family === 4 ? AF_INET : AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  if (family === 4) bytes.set(octets(address), 4);
  else for (const [index, group] of groups(address).entries()) bytes.writeUInt16BE(group, 8 + 2 * index);
  return bytes;
};

/** The address in a struct sockaddr; an IPv4 address inside IPv6 (RFC 4291, 2.5.5.2) as the former; undefined if it is none. */
export const parseAddress = (bytes: Buffer): InternetAddress | undefined => {
  if (bytes.length < 8) return undefined;
  const [family, port] = [bytes.readUInt16LE(0), bytes.readUInt16BE(2)];
  if (family === AF_INET) return { family: 4, address: [...bytes.subarray(4, 8)].join('.'), port };
  if (family !== AF_INET6 || bytes.length < 24) return undefined;
  const raw = bytes.subarray(8, 24);
  const mapped = raw.subarray(0, 10).every((byte) => byte === 0) && raw.readUInt16BE(10) === 0xffff;
  if (mapped) return { family: 4, address: [...raw.subarray(12)].join('.'), port };
  return { family: 6, address: renderIPv6(raw), port };
};

const octets = (address: string): number[] => address.split('.').map(Number);

const groups = (address: string): number[] => {
  const [head = '', tail] = address.split('::');
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...new Array<number>(zeros).fill(0), ...after];
};

const groupsOf = (text: string): number[] =>
  text === ''
    ? []
    : text.split(':').flatMap((part) => {
        if (!isIPv4(part)) return [Number.parseInt(part, 16)];
        const [a = 0, b = 0, c = 0, d = 0] = octets(part);
        return [a * 256 + b, c * 256 + d];
      });

/** The longest run of zero groups is shortened, the first of equal ones (RFC 5952, 4.2). */
const renderIPv6 = (raw: Buffer): string => {
  const all = Array.from({ length: 8 }, (_, index) => raw.readUInt16BE(2 * index));
  let best = { at: 0, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && all[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (best.length < 2) return text(all);
  return `${text(all.slice(0, best.at))}::${text(all.slice(best.at + best.length))}`;
};
