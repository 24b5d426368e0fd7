import { explicit, integer, objectId, octetString, sequence, set, tagged } from './der.ts';

/**
 * Certificates as Java takes them: a PKCS #12 store (RFC 7292) without a password, which Java reads since 8u301, 11.0.12 and 17, with the attribute by
 * which it takes each for an authority.
 */
export const renderKeyStore = (pems: readonly string[]): Buffer => {
  const bags = sequence(...pems.map(renderBag));
  return sequence(integer(Buffer.from([3])), renderData(sequence(renderData(bags))));
};

const renderData = (content: Buffer): Buffer => sequence(dataType, explicit(0, octetString(content)));

const renderBag = (pem: string, index: number): Buffer => {
  const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
  const certificate = sequence(x509Type, explicit(0, octetString(der)));
  const name = sequence(friendlyName, set(bmpString(`authority ${index}`)));
  return sequence(certificateBag, explicit(0, certificate), set(name, trusted));
};

const bmpString = (text: string): Buffer => tagged(0x1e, Buffer.from(text, 'utf16le').swap16());

const dataType = objectId('1.2.840.113549.1.7.1');
const certificateBag = objectId('1.2.840.113549.1.12.10.1.3');
const x509Type = objectId('1.2.840.113549.1.9.22.1');
const friendlyName = objectId('1.2.840.113549.1.9.20');
/** Java's "trusted key usage", of any use (anyExtendedKeyUsage, RFC 5280, 4.2.1.12) */
const trusted = sequence(objectId('2.16.840.1.113894.746875.1.1'), set(objectId('2.5.29.37.0')));
