/** Distinguished Encoding Rules (X.690), as far as a certificate and a key store need them. */
type Bytes = Uint8Array;

/** A value under a tag, its length in front. */
export const tagged = (tag: number, ...parts: readonly Bytes[]): Buffer => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(length)]), ...parts]);
};

export const sequence = (...parts: readonly Bytes[]): Buffer => tagged(0x30, ...parts);

/** DER orders the elements of a set by their bytes (X.690, 11.6). */
export const set = (...parts: readonly Buffer[]): Buffer => tagged(0x31, ...[...parts].sort(Buffer.compare));

export const bool = (value: boolean): Buffer => tagged(0x01, Buffer.from([value ? 0xff : 0]));

/** A whole number from its bytes, most significant first; never negative. */
export const integer = (bytes: Bytes): Buffer => {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = start < 0 ? Buffer.from([0]) : Buffer.from(bytes.subarray(start));
  return tagged(0x02, ...((short[0] ?? 0) >= 0x80 ? [Buffer.from([0])] : []), short);
};

export const bitString = (bytes: Bytes, unusedBits = 0): Buffer => tagged(0x03, Buffer.from([unusedBits]), bytes);

export const octetString = (bytes: Bytes): Buffer => tagged(0x04, bytes);

export const utf8String = (text: string): Buffer => tagged(0x0c, Buffer.from(text, 'utf8'));

/** `1.2.840.10045.2.1`: the first two numbers share a byte, each further one takes seven bits a byte. */
export const objectId = (text: string): Buffer => {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
};

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
export const time = (date: Date): Buffer => {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
};

/** A context-specific tag: constructed around whole values, or primitive in place of a value's own tag. */
export const explicit = (number: number, ...parts: readonly Bytes[]): Buffer => tagged(0xa0 | number, ...parts);
export const implicit = (number: number, bytes: Bytes): Buffer => tagged(0x80 | number, bytes);

const lengthOf = (length: number): readonly number[] => {
  if (length < 0x80) return [length];
  const bytes = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
};

const base128 = (number: number): number[] => {
  const bytes = [number % 128];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest % 128));
  return bytes;
};
