import { describe, expect, test } from 'vitest';
import { parseAllowRule, parseDenyRule } from '../../../src/domain/egress-rule.ts';
import { isRefused } from '../../../src/domain/parsed.ts';

const name = (of: string, subdomains = false) => ({ match: { kind: 'name', name: of, subdomains } });
const network = (address: string, bits: number, family = 4) => ({ match: { kind: 'network', address, family, bits } });

describe('rules', () => {
  test.each([
    ['example.com', name('example.com')],
    ['Example.COM.', name('example.com')],
    ['example.com:8443', { ...name('example.com'), port: 8443 }],
    ['*.example.com', name('example.com', true)],
    ['*.example.com:443', { ...name('example.com', true), port: 443 }],
    ['intranet', name('intranet')],
    ['1.2.3.4', network('1.2.3.4', 32)],
    ['1.2.3.4:22', { ...network('1.2.3.4', 32), port: 22 }],
    ['1.2.3.0/24', network('1.2.3.0', 24)],
    ['1.2.3.0/24:5432', { ...network('1.2.3.0', 24), port: 5432 }],
    ['[::1]', network('::1', 128, 6)],
    ['[::1]:443', { ...network('::1', 128, 6), port: 443 }],
    ['[fd00::]/8', network('fd00::', 8, 6)],
    ['[FD00::]/8:22', { ...network('fd00::', 8, 6), port: 22 }],
    ['[::ffff:10.0.0.0]/104', network('10.0.0.0', 8)],
    ['[::ffff:10.0.0.1]', network('10.0.0.1', 32)],
    ['localhost:5432', { match: { kind: 'localhost' }, port: 5432 }],
    ['LOCALHOST.:5432', { match: { kind: 'localhost' }, port: 5432 }],
    ['registry:npm', { match: { kind: 'registry', client: 'npm' } }],
    ['registry:pip', { match: { kind: 'registry', client: 'pip' } }],
    ['registry:5000', { ...name('registry'), port: 5000 }],
  ])('%s', (text, value) => {
    expect(parseAllowRule(text)).toEqual({ value });
    expect(parseDenyRule(text)).toEqual({ value });
  });

  test.each([
    ['localhost', { match: { kind: 'localhost' } }],
    ['*.com', name('com', true)],
    ['0.0.0.0/0', network('0.0.0.0', 0)],
    ['[::]/0', network('::', 0, 6)],
  ])('%s may be denied, not allowed', (text, value) => {
    expect(parseDenyRule(text)).toEqual({ value });
    expect(parseAllowRule(text)).toEqual({ problem: expect.any(String), hint: expect.any(String) });
  });
});

describe('a refusal says what would be right', () => {
  test.each([
    ['*', '"*" would allow everything', 'network mode "full" (--net full) reaches everything'],
    ['*:443', 'would allow everything', '*.example.com'],
    ['*.com', 'every name that anyone has below "com"', '"*.example.com"'],
    ['localhost', 'every port of this machine', '"localhost:5432"'],
    ['https://example.com/x', 'is not a host', 'write "example.com"'],
    ['http://example.com:8080/x', 'is not a host', 'write "example.com:8080"'],
    ['https://example.com:443', 'is not a host', 'write "example.com"'],
    ['example.com/path', 'is not a host', 'write "example.com"'],
    ['user@example.com', 'is not a host', 'write "example.com"'],
    ['.example.com', 'is not a host name', 'write "*.example.com"'],
    ['*example.com', 'is not a host name', 'write "*.example.com"'],
    ['foo*.example.com', 'is not a host name', 'write "*.example.com"'],
    ['*.*.example.com', 'is not a host name', 'write "*.example.com"'],
    ['api.*.example.com', 'is not a host name', 'write "*.example.com"'],
    ['example.com:', '"" is not a port', 'from 1 to 65535'],
    ['example.com:0', '"0" is not a port', 'from 1 to 65535'],
    ['example.com:65536', '"65536" is not a port', 'from 1 to 65535'],
    ['example.com:0443', '"0443" is not a port', 'from 1 to 65535'],
    ['example.com:https', '"https" is not a port', 'from 1 to 65535'],
    ['::1', "colons that may be a port's", 'write "[::1]"'],
    ['fd00::/8', "colons that may be a port's", 'write "[fd00::]/8"'],
    ['[127.0.0.1]', 'is not an address', 'write "127.0.0.1"'],
    ['[::1]x', 'is not an address', '"192.0.2.1"'],
    ['[::1]/129', 'no valid number of bits', 'up to 128'],
    ['1.2.3.4/33', 'no valid number of bits', 'up to 32'],
    ['1.2.3.4/', 'no valid number of bits', 'up to 32'],
    ['1.2.3.0/024', 'no valid number of bits', 'up to 32'],
    ['[::ffff:10.0.0.0]/8', 'no valid number of bits', 'from 96 to 128'],
    ['1.2.3.4/24', 'bits set behind the network', 'write "1.2.3.0/24"'],
    ['[fd00::1]/8', 'bits set behind the network', 'write "[fd00::]/8"'],
    ['0.0.0.0/0', 'would allow everything', '--net full'],
    ['127.1', 'is not a host name', 'write the address in full: "127.0.0.1"'],
    ['0x7f000001:80', 'is not a host name', 'write the address in full: "127.0.0.1"'],
    ['registry:pypi', 'names no known client', '"registry:npm" or "registry:pip"'],
    ['registry:', 'is not a port', 'from 1 to 65535'],
    ['', '"" is not a host name', '"example.com"'],
    ['evil.test\0.example.com', 'is not a host name', 'use letters'],
    ['bücher.example', 'is not a host name', '"xn--"'],
  ])('%j', (text, problem, hint) => {
    const parsed = parseAllowRule(text);
    if (!isRefused(parsed)) throw new Error('it was taken');
    expect(parsed.problem).toContain(problem);
    expect(parsed.hint).toContain(hint);
    const written = /^(?:.*: )?write "([^"]+)"$/.exec(parsed.hint)?.[1];
    // what the hint tells to write is taken
    if (written !== undefined) expect(parseAllowRule(written)).toHaveProperty('value');
  });
});
