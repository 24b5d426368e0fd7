import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeKeyPair, renderAuthority, renderLeaf, renderPem } from '../../../../src/egress/tls/certificate.ts';
import {
  bitString,
  bool,
  integer,
  objectId,
  sequence,
  set,
  tagged,
  time,
  utf8String,
} from '../../../../src/egress/tls/der.ts';
import { planTrustVariables, renderBundle } from '../../../../src/egress/tls/trust-variables.ts';

const hex = (bytes: Buffer): string => bytes.toString('hex');

describe('DER', () => {
  test.each([
    ['true', bool(true), '0101ff'],
    ['zero', integer(Buffer.from([0, 0])), '020100'],
    ['127', integer(Buffer.from([0, 127])), '02017f'],
    ['128 is not negative', integer(Buffer.from([128])), '02020080'],
    ['an identifier', objectId('1.2.840.113549'), '06062a864886f70d'],
    ['an identifier with a large number', objectId('2.5.29.15'), '0603551d0f'],
    ['bits', bitString(Buffer.from([4]), 2), '03020204'],
    ['text', utf8String('ä'), '0c02c3a4'],
    ['an empty sequence', sequence(), '3000'],
    ['a set in the order of its bytes', set(Buffer.from('0202', 'hex'), Buffer.from('0101', 'hex')), '310401010202'],
    ['a date', time(new Date('2049-12-31T23:59:59.999Z')), `170d${Buffer.from('491231235959Z').toString('hex')}`],
    [
      'a date from 2050 on',
      time(new Date('2050-01-01T00:00:00Z')),
      `180f${Buffer.from('20500101000000Z').toString('hex')}`,
    ],
  ])('%s', (_, bytes, expected) => expect(hex(bytes)).toBe(expected));

  test.each([
    [127, '047f'],
    [128, '048180'],
    [256, '04820100'],
    [70_000, '0483011170'],
  ])('a length of %i', (length, head) => expect(hex(tagged(4, Buffer.alloc(length))).startsWith(head)).toBe(true));
});

const validity = { fromMs: Date.UTC(2026, 0, 1), untilMs: Date.UTC(2026, 0, 31) };
const keys = makeKeyPair();
const authority = renderAuthority('an authority', keys, ['api.test', '*.wild.test'], validity);
const ca = new X509Certificate(authority);

describe('an authority', () => {
  test('signs itself, and may sign', () => {
    expect([ca.ca, ca.subject, ca.issuer, ca.verify(keys.publicKey)]).toEqual([
      true,
      'CN=an authority',
      'CN=an authority',
      true,
    ]);
    expect([ca.validFrom, ca.validTo]).toEqual(['Jan  1 00:00:00 2026 GMT', 'Jan 31 00:00:00 2026 GMT']);
  });

  test('is constrained to its names, critically, and to no address', () => {
    const text = hex(authority);
    const constraint = hex(Buffer.concat([objectId('2.5.29.30'), bool(true)]));
    expect(text).toContain(constraint);
    for (const name of ['api.test', 'wild.test'])
      expect(text).toContain(`82${hex(Buffer.from([name.length]))}${hex(Buffer.from(name))}`);
    expect(text).toContain(`8708${'00'.repeat(8)}`);
    expect(text).toContain(`8720${'00'.repeat(32)}`);
  });
});

test.each(['api.test', 'a.b.wild.test', `${'long.'.repeat(14)}test`])(
  'a leaf for %s is signed, and for that name alone',
  (host) => {
    const leaf = new X509Certificate(
      renderLeaf(host, makeKeyPair().publicKey, { name: 'an authority', keys }, validity),
    );
    expect(leaf.checkIssued(ca)).toBe(true);
    expect(leaf.verify(keys.publicKey)).toBe(true);
    expect([leaf.ca, leaf.subjectAltName, leaf.checkHost(host), leaf.checkHost('other.test')]).toEqual([
      false,
      `DNS:${host}`,
      host,
      undefined,
    ]);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  },
);

test('two leaves have different serial numbers', () => {
  const serials = [1, 2].map(
    () => new X509Certificate(renderLeaf('api.test', keys.publicKey, { name: 'x', keys }, validity)).serialNumber,
  );
  expect(serials[0]).not.toBe(serials[1]);
});

describe('what clients are told', () => {
  test('one certificate for those that add it, a bundle for those that replace their list', () =>
    expect(
      planTrustVariables(
        { authority: '/ca.pem', bundle: '/all.pem', wgetrc: '/wgetrc' },
        { SSL_CERT_DIR: '/x', NPM_CONFIG_CAFILE: '/x' },
      ),
    ).toEqual({
      NODE_EXTRA_CA_CERTS: '/ca.pem',
      DENO_CERT: '/ca.pem',
      SSL_CERT_FILE: '/all.pem',
      REQUESTS_CA_BUNDLE: '/all.pem',
      PIP_CERT: '/all.pem',
      CURL_CA_BUNDLE: '/all.pem',
      GIT_SSL_CAINFO: '/all.pem',
      CARGO_HTTP_CAINFO: '/all.pem',
      AWS_CA_BUNDLE: '/all.pem',
      NIX_SSL_CERT_FILE: '/all.pem',
      GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: '/all.pem',
      NPM_CONFIG_CAFILE: '/all.pem',
      WGETRC: '/wgetrc',
    }));

  test.each([
    [
      '/sbox/trust/a.p12',
      undefined,
      '-Djavax.net.ssl.trustStore=/sbox/trust/a.p12 -Djavax.net.ssl.trustStoreType=PKCS12',
    ],
    ['/a b.p12', '-Xmx1g', '-Xmx1g "-Djavax.net.ssl.trustStore=/a b.p12" -Djavax.net.ssl.trustStoreType=PKCS12'],
  ])('Java is told of a key store "%s" beside %j', (keyStore, before, options) => {
    const files = { authority: '/ca.pem', bundle: '/all.pem', wgetrc: '/wgetrc', keyStore };
    expect(planTrustVariables(files, before === undefined ? {} : { JAVA_TOOL_OPTIONS: before })).toMatchObject({
      JAVA_TOOL_OPTIONS: options,
    });
  });

  test('a bundle has each certificate once and no comment', () => {
    const pem = renderPem(authority);
    expect(renderBundle([`# a comment\n${pem}`, pem.replaceAll('\n', '\r\n'), 'no certificate'])).toBe(pem);
  });
});
