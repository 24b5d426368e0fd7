import { createHash } from 'node:crypto';

/**
 * A Java key store of type JKS with trusted certificates (DER): every Java reads it, whatever its default type is, and without a password
 * when no integrity is asked for, as `javax.net.ssl.trustStore` alone does not. Format: sun.security.provider.JavaKeyStore.
 */
export const renderTruststore = (certificates: readonly Buffer[], nowMs: number): Buffer => {
  const entries = certificates.map((certificate, index) =>
    // a trusted certificate: its kind, alias, date, type and bytes
    Buffer.concat([
      number(2),
      text(`sbox-${index}`),
      date(nowMs),
      text('X.509'),
      number(certificate.length),
      certificate,
    ]),
  );
  const content = Buffer.concat([number(0xfeedfeed), number(2), number(entries.length), ...entries]);
  return Buffer.concat([content, digestOf(content)]);
};

/** What Java's own list is protected with; a reader with another password, or none, gets the same certificates. */
const password = 'changeit';

const digestOf = (content: Buffer): Buffer =>
  createHash('sha1')
    .update(Buffer.from(password, 'utf16le').swap16())
    .update('Mighty Aphrodite')
    .update(content)
    .digest();

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const date = (milliseconds: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(milliseconds));
  return bytes;
};

const text = (value: string): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([length, Buffer.from(value)]);
};
