import { type Address, parseAddress, renderAddress } from './address.ts';
import type { Parsed } from './parsed.ts';
import { printable } from './printable.ts';

/** A host of a request or a rule in its one canonical spelling. */
export type Host =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'address'; readonly address: Address; readonly text: string };

/**
 * A host name in canonical form: ASCII letters in lower case, digits, `-` and `_` (which DNS has and container networks use),
 * labels of 1 to 63, 253 in all (RFC 1035, 2.3.4). One final dot is taken off: it names the same host. No name ends in a number
 * (WHATWG URL, "ends in a number"): resolvers take 127.1 and 0x7f.0.0.1 for addresses (inet_aton(3)).
 */
export const parseHostName = (text: string): Parsed<string> => {
  const problem = `${quote(text)} is not a host name`;
  const refuse = (hint: string) => ({ problem, hint });
  if (text === '') return refuse('write a name, for example "example.com"');
  if (!/^[A-Za-z0-9._-]+$/.test(text)) return refuse(hintForCharacters(text));
  const name = text.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  if (labels.includes('')) return refuse('remove the dots that no label stands between');
  if (name.length > 253 || labels.some((label) => label.length > 63))
    return refuse('a name has up to 253 characters, and up to 63 between two dots');
  if (labels.some((label) => label.startsWith('-') || label.endsWith('-')))
    return refuse('no part between two dots begins or ends with "-"');
  return endsInNumber(labels) ? refuse(hintForNumber(name)) : { value: name };
};

/** The host of a request: a name, or an address, of IPv6 with or without brackets. */
export const parseHost = (text: string): Parsed<Host> => {
  const inBrackets = /^\[(.*)\]$/s.exec(text)?.[1];
  const address = parseAddress(inBrackets ?? text);
  if (address !== undefined && (inBrackets === undefined || inBrackets.includes(':')))
    return { value: { kind: 'address', address, text: renderAddress(address) } };
  if (inBrackets !== undefined || text.includes(':'))
    return { problem: `${quote(text)} is not an address`, hint: 'write one as in "192.0.2.1" or "[2001:db8::1]"' };
  const name = parseHostName(text);
  return 'problem' in name ? name : { value: { kind: 'name', name: name.value } };
};

/** Text in quotes, safe for a terminal and a header, cut where it is longer than a name can be. */
export const quote = (text: string): string => `"${printable(text, 256)}"`;

const endsInNumber = (labels: readonly string[]): boolean => /^([0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '');

const hintForCharacters = (text: string): string => {
  const bare = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^/@]*@)?([A-Za-z0-9._-]+)(?::\d+)?(?:[/?#].*)?$/i.exec(text)?.[1];
  if (bare !== undefined) return `write "${bare.toLowerCase()}"`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
  if (/^[^\x00-\x1f\x7f ]+$/.test(text) && /[^\x00-\x7f]/.test(text))
    return 'write an international name in its "xn--" form';
  return 'use letters, digits, "-" and "."';
};

/** What a resolver of the old kind would take it for, if that can be told. */
const hintForNumber = (name: string): string => {
  const parts = name.split('.').map(parseNumber);
  const last = parts.at(-1);
  const heads = parts.slice(0, -1);
  const fits =
    parts.length <= 4 &&
    heads.every((part) => part !== undefined && part < 256n) &&
    last !== undefined &&
    last < 1n << BigInt(8 * (5 - parts.length));
  if (!fits) return 'no name ends in a number, and an address is written as in "192.0.2.1"';
  const value = heads.reduce<bigint>((sum, part, index) => sum | ((part ?? 0n) << BigInt(24 - 8 * index)), last);
  return `write the address in full: "${renderAddress({ family: 4, value })}"`;
};

/** A number as of inet_aton(3): decimal, octal after 0, hexadecimal after 0x. */
const parseNumber = (text: string): bigint | undefined => {
  if (text === '0x') return 0n;
  if (/^0x[0-9a-f]+$/.test(text) || /^(0|[1-9][0-9]*)$/.test(text)) return BigInt(text);
  return /^0[0-7]+$/.test(text) ? BigInt(`0o${text.slice(1)}`) : undefined;
};
