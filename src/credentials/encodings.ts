import { decisivePart } from './placeholder.ts';

/** A text to find and the one of the same length that takes its place. */
export interface Pair {
  readonly find: Buffer;
  readonly put: Buffer;
}

/**
 * Everything under which a secret is found in a response: as it is, in capitals or small letters, URL-encoded, JSON-escaped, as hexadecimal, and
 * within base64 at any offset. A placeholder keeps every character that one of these makes longer, so both have the same length in all of them.
 * Not found: what a server splits, reverses, encrypts, compresses within the body, or encodes otherwise or twice.
 */
export const pairEncodings = (from: string, to: string): Pair[] => {
  const find = decisivePart(from);
  const put = decisivePart(to);
  const pairs = new Map<string, Pair>();
  const add = (a: string, b: string): void => {
    if (a !== b) pairs.set(a, { find: Buffer.from(a, 'latin1'), put: Buffer.from(b, 'latin1') });
  };
  for (const encode of encodings) add(encode(find), encode(put));
  for (const url of [false, true]) for (const offset of [0, 1, 2]) addBase64(add, find, put, offset, url);
  return [...pairs.values()];
};

const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

const encodings: readonly ((text: string) => string)[] = [
  (text) => text.toLowerCase(),
  (text) => text.toUpperCase(),
  (text) => encodeURIComponent(text),
  (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  (text) => JSON.stringify(text).slice(1, -1),
  (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  (text) => hex(text),
  (text) => hex(text).toUpperCase(),
  // last: where two encodings are the same text, this one decides
  (text) => text,
];

/**
 * A base64 letter holds 6 bits, so the last one may hold bits of the secret and of what follows: one pair for each value of those. The first
 * letter holds bits of what stands before and of the secret's first character, which the placeholder shares, and stays as it is.
 */
const addBase64 = (add: (a: string, b: string) => void, find: string, put: string, before: number, url: boolean) => {
  const alphabet = url ? urlAlphabet : plainAlphabet;
  const firstBit = before * 8;
  const firstLetter = Math.ceil(firstBit / 6);
  const bits = firstBit + find.length * 8;
  const unknown = (6 - (bits % 6)) % 6;
  for (let tail = 0; tail < 2 ** unknown; tail++) {
    const letters = (text: string): string => {
      const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text, 'latin1'), Buffer.alloc(2)]);
      const all = bytes.toString(url ? 'base64url' : 'base64').slice(firstLetter, Math.ceil(bits / 6));
      if (unknown === 0) return all;
      const last = alphabet.indexOf(all.slice(-1)) | tail;
      return all.slice(0, -1) + alphabet.charAt(last);
    };
    add(letters(find), letters(put));
  }
};

const plainAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const urlAlphabet = `${plainAlphabet.slice(0, 62)}-_`;
