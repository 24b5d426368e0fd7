import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  bitString,
  bool,
  explicit,
  implicit,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  tagged,
  time,
  utf8String,
} from './der.ts';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A new key of the curve P-256. */
export const makeKeyPair = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/**
 * A certificate of an authority that may sign for these names and nothing else (name constraints, RFC 5280, 4.2.1.10): whoever stole its key could
 * pass for no other host. `*.example.com` is constrained to `example.com`, below which a constraint always reaches.
 */
export const renderAuthority = (name: string, keys: KeyPair, hosts: readonly string[], validity: Validity): Buffer =>
  render({
    subject: name,
    subjectKey: keys.publicKey,
    issuer: name,
    issuerKeys: keys,
    validity,
    extensions: [
      // a CA whose chain ends in leaves
      extension('2.5.29.19', true, sequence(bool(true), integer(Buffer.from([0])))),
      // keyCertSign
      extension('2.5.29.15', true, bitString(Buffer.from([0x04]), 2)),
      extension('2.5.29.14', false, octetString(keyId(keys.publicKey))),
      extension('2.5.29.30', true, nameConstraints(hosts)),
    ],
  });

export interface Issuer {
  readonly name: string;
  readonly keys: KeyPair;
}

/** A certificate of a server with one name. */
export const renderLeaf = (host: string, key: KeyObject, issuer: Issuer, validity: Validity): Buffer =>
  render({
    // a common name has at most 64 characters (RFC 5280, appendix A); clients read the alternative name
    subject: host.length <= 64 ? host : 'sbox',
    subjectKey: key,
    issuer: issuer.name,
    issuerKeys: issuer.keys,
    validity,
    extensions: [
      extension('2.5.29.19', true, sequence()),
      // digitalSignature
      extension('2.5.29.15', true, bitString(Buffer.from([0x80]), 7)),
      // serverAuth
      extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'))),
      extension('2.5.29.17', false, sequence(implicit(2, Buffer.from(host, 'ascii')))),
      extension('2.5.29.14', false, octetString(keyId(key))),
      extension('2.5.29.35', false, sequence(implicit(0, keyId(issuer.keys.publicKey)))),
    ],
  });

export const renderPem = (certificate: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replace(/(.{64})(?!$)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;

interface Fields {
  readonly subject: string;
  readonly subjectKey: KeyObject;
  readonly issuer: string;
  readonly issuerKeys: KeyPair;
  readonly validity: Validity;
  readonly extensions: readonly Buffer[];
}

/** ecdsa-with-SHA256 (RFC 5758, 3.2). */
const algorithm = sequence(objectId('1.2.840.10045.4.3.2'));

/** RFC 5280, 4.1: the part to be signed, the algorithm, the signature. */
const render = ({ subject, subjectKey, issuer, issuerKeys, validity, extensions }: Fields): Buffer => {
  const body = sequence(
    // version 3
    explicit(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    distinguishedName(issuer),
    sequence(time(new Date(validity.fromMs)), time(new Date(validity.untilMs))),
    distinguishedName(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  );
  return sequence(body, algorithm, bitString(sign('sha256', body, issuerKeys.privateKey)));
};

/** Positive, never zero, 16 bytes. */
const serialNumber = (): Buffer => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
};

const distinguishedName = (commonName: string): Buffer =>
  sequence(set(sequence(objectId('2.5.4.3'), utf8String(commonName))));

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(objectId(id), ...(critical ? [bool(true)] : []), octetString(value));

/** The first method of RFC 5280, 4.2.1.2: SHA-1 of the key's bits, which are the last 65 bytes of an uncompressed P-256 key. */
const keyId = (key: KeyObject): Buffer =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }).subarray(-65))
    .digest();

/** Permitted: the names. Excluded: every address of both families, as other kinds are not constrained by permitted names. */
const nameConstraints = (hosts: readonly string[]): Buffer => {
  const names = [...new Set(hosts.map((host) => host.replace(/^\*\./, '')))];
  // an empty list would permit every name (RFC 5280, 4.2.1.10); this one exists nowhere (RFC 2606)
  const permitted = (names.length === 0 ? ['sbox.invalid'] : names).map((name) =>
    sequence(implicit(2, Buffer.from(name, 'ascii'))),
  );
  const addresses = [8, 32].map((length) => sequence(implicit(7, Buffer.alloc(length))));
  return sequence(tagged(0xa0, ...permitted), tagged(0xa1, ...addresses));
};
