import { describe, expect, test } from 'vitest';
import { openInjection } from '../../../src/credentials/injection.ts';
import { type Binding, type CredentialUse, Secret } from '../../../src/domain/credential.ts';
import type { RequestHead } from '../../../src/domain/injection.ts';

const secret = 'sk-ant-api03-REAL0123456789real';
const placeholder = 'sk-ant-api03-abcdefghijKLMN4567';
const other = 'ghp_placeholderOfAnother123';
const uses: CredentialUse[] = [
  {
    hosts: ['api.test', '*.wild.test'],
    placements: [
      { kind: 'header', header: 'x-api-key' },
      { kind: 'header', header: 'authorization', scheme: 'Bearer' },
      { kind: 'basic' },
      { kind: 'query', name: 'key' },
    ],
  },
];
const bindings: Binding[] = [
  { provider: 'a', secret: new Secret(secret), placeholder, uses },
  {
    provider: 'b',
    secret: new Secret('ghp_realOfAnotherService123'),
    placeholder: other,
    uses: [{ hosts: ['git.test'], ports: [8443], placements: [{ kind: 'basic' }] }],
  },
];
const injection = openInjection({ bindings });
const destination = { host: 'api.test', port: 443 };
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

const admit = (request: Partial<RequestHead> & { readonly extra?: RequestHead['headers'] }) =>
  injection.admit(
    {
      method: request.method ?? 'GET',
      target: request.target ?? '/v1',
      headers: request.headers ?? [['Host', 'api.test'], ...(request.extra ?? [])],
    },
    destination,
  );
const headers = (...extra: [string, string][]) => admit({ extra });

describe('the secret takes the place of the placeholder in', () => {
  test.each([
    ['x-api-key', placeholder, secret],
    ['X-API-KEY', placeholder, secret],
    ['authorization', `Bearer ${placeholder}`, `Bearer ${secret}`],
    ['Authorization', `bearer ${placeholder}`, `bearer ${secret}`],
    ['authorization', basic(`x-access-token:${placeholder}`), basic(`x-access-token:${secret}`)],
    ['authorization', basic(`${placeholder}:`), basic(`${secret}:`)],
    ['authorization', basic(`${placeholder}:x-oauth-basic`), basic(`${secret}:x-oauth-basic`)],
  ])('%s: %s', (name, sent, leaves) =>
    expect(headers([name, sent])).toEqual({
      kind: 'admitted',
      target: '/v1',
      headers: [
        ['Host', 'api.test'],
        [name, leaves],
      ],
      body: 'scan',
    }),
  );

  test.each([
    [`/v1?key=${placeholder}`, `/v1?key=${secret}`],
    [`/v1?a=1&key=${placeholder}&b=2`, `/v1?a=1&b=2&key=${secret}`],
    [`/v1?k%65y=%73${placeholder.slice(1)}`, `/v1?key=${secret}`],
  ])('%s', (target, leaves) => expect(admit({ target })).toMatchObject({ kind: 'admitted', target: leaves }));
});

describe('a placeholder is refused in', () => {
  const refused = { kind: 'refused', status: 403, reason: 'placeholder', sentence: expect.any(String) };
  test.each<[string, Partial<RequestHead> & { extra?: [string, string][] }]>([
    ['another header', { extra: [['x-other', placeholder]] }],
    ['the name of a header', { extra: [[placeholder, '1']] }],
    ['a header that would be removed', { extra: [['cookie', `a=${placeholder}`]] }],
    ['a header for the next hop', { extra: [['proxy-authorization', `Bearer ${placeholder}`]] }],
    ['User-Agent', { extra: [['user-agent', `me/${placeholder}`]] }],
    ['another scheme', { extra: [['authorization', `Digest ${placeholder}`]] }],
    ['no scheme', { extra: [['authorization', placeholder]] }],
    ['two spaces', { extra: [['authorization', `Bearer  ${placeholder}`]] }],
    ['a longer value', { extra: [['authorization', `Bearer ${placeholder}x`]] }],
    ['a list of values', { extra: [['x-api-key', `${placeholder}, ${placeholder}`]] }],
    ['both halves of Basic', { extra: [['authorization', basic(`${placeholder}:${placeholder}`)]] }],
    ['base64 in another header', { extra: [['x-b', Buffer.from(`?${placeholder}`).toString('base64url')]] }],
    ['hexadecimal', { extra: [['x-b', Buffer.from(placeholder).toString('hex')]] }],
    ['the placeholder of another host', { extra: [['authorization', basic(`u:${other}`)]] }],
    ['the path', { target: `/${placeholder}` }],
    ['the path, escaped', { target: `/%73${placeholder.slice(1)}` }],
    ['the path, escaped twice', { target: `/%2573${placeholder.slice(1)}` }],
    ['another parameter', { target: `/?token=${placeholder}` }],
    ['the name of a parameter', { target: `/?${placeholder}=1` }],
    ['the declared parameter twice', { target: `/?key=${placeholder}&key=${placeholder}` }],
    ['the declared parameter with more', { target: `/?key=${placeholder}x` }],
    ['the query of another host', { target: `/?key=${other}` }],
  ])('%s', (_, request) => expect(admit(request)).toEqual(refused));
});

describe('what would act for somebody else is removed', () => {
  test.each([
    ['authorization', 'Bearer sk-of-somebody-else'],
    ['x-api-key', 'sk-of-somebody-else'],
    ['x-goog-api-key', 'AIza-of-somebody-else'],
    ['Proxy-Authorization', 'Basic eDp5'],
    ['cookie', 'session=1'],
    ['range', 'bytes=0-9'],
  ])('%s', (name, value) => expect(headers([name, value])).toMatchObject({ headers: [['Host', 'api.test']] }));

  test('a declared parameter with another value', () =>
    expect(admit({ target: '/?key=sk-of-somebody-else&a=1' })).toMatchObject({ kind: 'admitted', target: '/?a=1' }));

  test('other headers stay as they came', () => {
    const extra: [string, string][] = [
      ['Accept', '*/*'],
      ['X-Two', '1'],
      ['x-two', '2'],
    ];
    expect(headers(...extra)).toMatchObject({ headers: [['Host', 'api.test'], ...extra] });
  });
});

describe('a request that could be read in two ways is refused', () => {
  test.each<[string, number, Partial<RequestHead> & { extra?: [string, string][] }]>([
    ['no Host', 400, { headers: [] }],
    ['two Hosts', 400, { extra: [['host', 'api.test']] }],
    ['another Host', 421, { headers: [['Host', 'evil.test']] }],
    ['another port', 421, { headers: [['Host', 'api.test:8443']] }],
    ['a Host with user information', 421, { headers: [['Host', 'x@api.test']] }],
    ['a Host with a dot at its end', 421, { headers: [['Host', 'api.test.']] }],
    ['a list of Hosts', 421, { headers: [['Host', 'api.test, evil.test']] }],
    [
      'two Authorizations',
      400,
      {
        extra: [
          ['authorization', `Bearer ${placeholder}`],
          ['Authorization', 'x y'],
        ],
      },
    ],
    [
      'two Content-Lengths',
      400,
      {
        extra: [
          ['content-length', '1'],
          ['Content-Length', '2'],
        ],
      },
    ],
    [
      'both framings',
      400,
      {
        extra: [
          ['content-length', '1'],
          ['transfer-encoding', 'chunked'],
        ],
      },
    ],
    ['absolute form', 400, { target: 'https://evil.test/' }],
    ['an authority alone', 400, { target: 'evil.test:443' }],
    ['a space in the target', 400, { target: '/ HTTP/1.1' }],
    ['a line break in the target', 400, { target: '/\r\nx: y' }],
    ['a fragment', 400, { target: '/#x' }],
    ['an empty target', 400, { target: '' }],
    ['TRACE', 405, { method: 'TRACE' }],
    ['CONNECT', 405, { method: 'CONNECT' }],
    ['no token as method', 400, { method: 'GET /x' }],
  ])('%s', (_, status, request) => expect(admit(request)).toMatchObject({ kind: 'refused', status }));
});

test.each([
  ['api.test', 443, true],
  ['API.test', 443, true],
  ['api.test', 80, false],
  ['api.test', 8443, false],
  ['xapi.test', 443, false],
  ['sub.api.test', 443, false],
  ['a.wild.test', 443, true],
  ['a.b.wild.test', 443, true],
  ['wild.test', 443, false],
  ['notwild.test', 443, false],
  ['git.test', 8443, true],
  ['git.test', 443, false],
])('%s:%i is bound: %s', (host, port, bound) => expect(injection.isBound(host, port)).toBe(bound));

test('a use may let placeholders in bodies, and ranges, pass', () => {
  const [first] = bindings;
  if (first === undefined) throw new Error('no binding');
  const open = openInjection({
    bindings: [{ ...first, uses: uses.map((use) => ({ ...use, body: 'pass' as const, ranges: 'pass' as const })) }],
  });
  const sent: [string, string][] = [
    ['Host', 'api.test'],
    ['Range', 'bytes=0-9'],
  ];
  expect(open.admit({ method: 'GET', target: '/', headers: sent }, destination)).toMatchObject({
    headers: sent,
    body: 'pass',
  });
});

test('no refusal quotes a placeholder or a secret', () => {
  const refusal = JSON.stringify(headers(['x-other', placeholder]));
  expect(refusal).not.toContain(placeholder);
  expect(refusal).not.toContain(secret);
});

test('a session that the secret opened does not come in', () => {
  expect(injection.scrubHeader('Set-Cookie', 'session=1')).toBeUndefined();
  expect(injection.scrubHeader('X-Key', secret)).toEqual(['X-Key', placeholder]);
});
