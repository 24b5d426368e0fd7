import { describe, expect, test } from 'vitest';
import { findUpstream } from '../../../src/egress/upstream.ts';

const shown = (env: Record<string, string>, host = 'a.test', port = 443): string => {
  const found = findUpstream(env, host, port);
  if (found === 'direct') return found;
  return 'problem' in found ? `problem: ${found.problem}` : `${found.credentials ?? ''}@${found.shown}`;
};

describe('which proxy', () => {
  test.each([
    [{}, 443, 'direct'],
    [{ HTTPS_PROXY: 'http://p.test:3128' }, 443, '@http://p.test:3128'],
    [{ HTTPS_PROXY: 'http://p.test:3128' }, 80, 'direct'],
    [{ HTTPS_PROXY: 'http://p.test:3128' }, 22, '@http://p.test:3128'],
    [{ http_proxy: 'http://p.test:3128' }, 80, '@http://p.test:3128'],
    [{ http_proxy: 'http://p.test:3128' }, 443, 'direct'],
    [{ ALL_PROXY: 'p.test:8080' }, 80, '@http://p.test:8080'],
    [{ ALL_PROXY: 'http://all.test', https_proxy: 'https://p.test' }, 443, '@https://p.test'],
    [{ HTTPS_PROXY: 'http://upper.test', https_proxy: 'http://lower.test' }, 443, '@http://lower.test'],
    [{ HTTPS_PROXY: 'http://upper.test', https_proxy: '' }, 443, 'direct'],
    [{ HTTPS_PROXY: 'http://me:s%40cret@p.test:1' }, 443, 'me:s@cret@http://p.test:1'],
  ])('%j at port %i: %s', (env, port, expected) =>
    expect(shown(env as Record<string, string>, 'a.test', port)).toBe(expected),
  );

  test.each([
    ['socks5://me:secret@p.test:1080', ' (socks5)'],
    ['ftp://p.test', ' (ftp)'],
    ['http://', ''],
    ['http://p.test:99999', ''],
    ['http://%ff@p.test', ''],
  ])('%s is refused, not gone around, and shows no secret', (url, kind) =>
    expect(shown({ HTTPS_PROXY: url })).toBe(
      `problem: HTTPS_PROXY names no proxy that sbox can use${kind}: write http://host:port or https://host:port, or unset it`,
    ),
  );

  test('the default ports are those of the scheme', () => {
    expect(findUpstream({ ALL_PROXY: 'http://p.test' }, 'a.test', 443)).toMatchObject({ port: 80, secure: false });
    expect(findUpstream({ ALL_PROXY: 'https://[::1]' }, 'a.test', 443)).toMatchObject({ port: 443, host: '::1' });
  });
});

describe('NO_PROXY', () => {
  test.each([
    ['a.test', 'a.test', true],
    ['a.test', 'b.a.test', true],
    ['.a.test', 'b.a.test', true],
    ['*.a.test', 'b.a.test', true],
    ['A.TEST', 'a.test', true],
    ['a.test', 'xa.test', false],
    ['*', 'any.test', true],
    ['x.test, a.test', 'a.test', true],
    ['x.test a.test', 'a.test', true],
    ['a.test:443', 'a.test', true],
    ['a.test:8443', 'a.test', false],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3:443', '10.1.2.3', true],
    ['10.1.2.3:22', '10.1.2.3', false],
    ['[2001:db8::1]', '2001:db8::1', true],
    ['2001:db8::/32', '2001:db8::1', true],
    ['[2001:db8::1]:22', '2001:db8::1', false],
    ['', 'a.test', false],
    ['.', 'a.test', false],
  ])('%s excepts %s: %s', (list, host, is) =>
    expect(shown({ HTTPS_PROXY: 'http://p.test', no_proxy: list }, host) === 'direct').toBe(is),
  );

  test.each(['localhost', '127.0.0.1', '127.0.0.9', '::1'])('%s is never sent to a proxy', (host) =>
    expect(shown({ ALL_PROXY: 'http://p.test' }, host)).toBe('direct'),
  );
});
