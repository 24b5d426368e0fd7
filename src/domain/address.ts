/** An internet address by value; of an IPv4-mapped IPv6 address the IPv4 one, which is what the kernel connects to (ipv6(7)). */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** Dotted decimal IPv4 without leading zeros, or IPv6 as of RFC 4291; no brackets, no zone. Anything else is undefined. */
export const parseAddress = (text: string): Address | undefined => {
  if (text.length > longestText) return undefined;
  const four = parseFour(text);
  if (four !== undefined) return { family: 4, value: four };
  const six = text.includes(':') ? parseSix(text) : undefined;
  if (six === undefined) return undefined;
  return six >> 32n === mappedPrefix ? { family: 4, value: six & low32 } : { family: 6, value: six };
};

/** The canonical text: dotted decimal, or as of RFC 5952. */
export const renderAddress = ({ family, value }: Address): string =>
  family === 4 ? renderFour(value) : renderSix(value);

/** An address as it stands before a port: IPv6 in brackets. */
export const renderAuthority = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Whether two addresses agree in their first `bits` bits. */
export const isInNetwork = (address: Address, network: Address, bits: number): boolean => {
  if (address.family !== network.family) return false;
  const rest = BigInt(bitsOf(network.family) - bits);
  return address.value >> rest === network.value >> rest;
};

/** The first address of the network of `bits` bits that an address lies in. */
export const networkOf = ({ family, value }: Address, bits: number): Address => {
  const rest = BigInt(bitsOf(family) - bits);
  return { family, value: (value >> rest) << rest };
};

export const bitsOf = (family: 4 | 6): 32 | 128 => (family === 4 ? 32 : 128);

/** `::ffff:0:0/96` (RFC 4291, 2.5.5.2), shifted. */
const mappedPrefix = 0xffffn;
const low32 = 0xffffffffn;
/** the longest form is eight groups with the last two in dotted decimal */
const longestText = 45;

const parseFour = (text: string): bigint | undefined => {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
};

const parseSix = (text: string): bigint | undefined => {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => parseGroups(half, index === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  // "::" stands for at least one group
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...(tail ?? [])];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
};

/** Groups of 16 bits; the last two may be dotted decimal where the address ends. */
const parseGroups = (text: string, atEnd: boolean): number[] | undefined => {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const four = atEnd && index === parts.length - 1 && part.includes('.') ? parseFour(part) : undefined;
    if (four !== undefined) groups.push(Number(four >> 16n), Number(four & 0xffffn));
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
};

const renderFour = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');

const renderSix = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  const { start, length } = longestZeros(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
};

/** The longest run of zero groups, the first of equal ones. */
const longestZeros = (groups: readonly number[]): { readonly start: number; readonly length: number } => {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
};
