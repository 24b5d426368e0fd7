/** What the beginning of a connection tells of a TLS ClientHello. */
export type ClientHello =
  /** it is not complete yet */
  | { readonly kind: 'more' }
  | { readonly kind: 'malformed' }
  /** `serverName` in lower case; absent if the client sent none */
  | { readonly kind: 'hello'; readonly serverName?: string };

/**
 * Finds the server name (RFC 6066, 3) in a ClientHello (RFC 8446, 4.1.2). It may be split over several records, and records over several
 * segments. Never throws.
 */
export const parseClientHello = (bytes: Buffer): ClientHello => {
  const handshake = joinRecords(bytes);
  if (handshake === undefined) return malformed;
  if (handshake.length < 4) return more;
  if (handshake[0] !== typeClientHello) return malformed;
  const length = handshake.readUIntBE(1, 3);
  if (length > maxHelloBytes) return malformed;
  if (handshake.length < 4 + length) return more;
  return findServerName(handshake.subarray(4, 4 + length));
};

/** Larger than what clients with keys against quantum computers send. */
const maxHelloBytes = 64 * 1024;

const more = { kind: 'more' } as const;
const malformed = { kind: 'malformed' } as const;
const recordHandshake = 22;
const typeClientHello = 1;

/** The handshake's bytes of all records that have begun; undefined if one is none. */
const joinRecords = (bytes: Buffer): Buffer | undefined => {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = at + 5 <= bytes.length ? bytes.readUInt16BE(at + 3) : undefined;
    if (bytes[at] !== recordHandshake || (bytes[at + 1] ?? 3) !== 3) {
      // what follows a complete hello is not its business
      return isComplete(parts) ? Buffer.concat(parts) : undefined;
    }
    if (length === undefined) break;
    if (length === 0 || length > 16 * 1024) return undefined;
    parts.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return Buffer.concat(parts);
};

const isComplete = (parts: readonly Buffer[]): boolean => {
  const all = Buffer.concat(parts);
  return all.length >= 4 && all.length >= 4 + all.readUIntBE(1, 3);
};

/** Reads vectors with lengths of one to three bytes before them; reading past the end spoils the cursor. */
class Cursor {
  private at = 0;
  private readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }
  take(length: number): Buffer | undefined {
    if (this.at + length > this.bytes.length) return undefined;
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  number(size: number): number | undefined {
    return this.take(size)?.readUIntBE(0, size);
  }
  vector(size: number): Buffer | undefined {
    const length = this.number(size);
    return length === undefined ? undefined : this.take(length);
  }
}

const findServerName = (body: Buffer): ClientHello => {
  const cursor = new Cursor(body);
  const complete =
    cursor.take(2 + 32) !== undefined && // version, random
    cursor.vector(1) !== undefined && // session
    cursor.vector(2) !== undefined && // cipher suites
    cursor.vector(1) !== undefined; // compression
  if (!complete) return malformed;
  if (cursor.isAtEnd) return { kind: 'hello' };
  const extensions = cursor.vector(2);
  if (extensions === undefined || !cursor.isAtEnd) return malformed;
  return readExtensions(new Cursor(extensions));
};

const readExtensions = (extensions: Cursor): ClientHello => {
  let serverName: string | undefined;
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (type === undefined || data === undefined) return malformed;
    if (type !== 0) continue;
    // two of them: a server may take the other one
    if (serverName !== undefined) return malformed;
    serverName = readServerName(new Cursor(data));
    if (serverName === undefined) return malformed;
  }
  return serverName === undefined ? { kind: 'hello' } : { kind: 'hello', serverName };
};

/** The list has one entry of the one type that there is: host_name. */
const readServerName = (data: Cursor): string | undefined => {
  const list = data.vector(2);
  if (list === undefined || !data.isAtEnd) return undefined;
  const entry = new Cursor(list);
  const type = entry.number(1);
  const name = entry.vector(2)?.toString('latin1');
  if (type !== 0 || name === undefined || !entry.isAtEnd) return undefined;
  return /^[\x21-\x7e]+$/.test(name) ? name.toLowerCase() : undefined;
};
