import { expect, test } from 'vitest';
import { isSameHost, parseAbsoluteForm, parseAuthority, renderHost } from '../../../../src/egress/proxy/authority.ts';

test.each([
  ['example.com:443', { host: 'example.com', port: 443 }],
  ['[::1]:8080', { host: '::1', port: 8080 }],
  ['10.0.0.1:22', { host: '10.0.0.1', port: 22 }],
])('%s', (text, expected) => {
  expect(parseAuthority(text)).toEqual(expected);
});

test.each([
  'example.com',
  ':443',
  'a:0',
  'a:65536',
  'a:b',
  'user@a:443',
  'a b:443',
  '::1:443',
  '[::1]',
  'a:443/x',
  'a:443:443',
  'a:+1',
  '',
])('no host with a port: %j', (text) => {
  expect(parseAuthority(text)).toBeUndefined();
});

test.each([
  ['http://a.test', { host: 'a.test', port: 80, path: '/' }],
  ['HTTP://a.test:8080/x?y', { host: 'a.test', port: 8080, path: '/x?y' }],
  ['http://a.test?y', { host: 'a.test', port: 80, path: '/?y' }],
])('%s', (text, expected) => {
  expect(parseAbsoluteForm(text)).toEqual(expected);
});

test.each([
  'https://a.test/',
  'http://u:p@a.test/',
  'http:///x',
  'http://a.test/#x',
  '/x',
  '*',
  'ftp://a.test/',
  'http://a.test\\@b.test/',
])('no absolute form: %s', (text) => {
  expect(parseAbsoluteForm(text)).toBeUndefined();
});

test('case and one last dot do not make another host', () => {
  expect(isSameHost('A.test.', 'a.TEST')).toBe(true);
  expect(isSameHost('a.test', 'b.a.test')).toBe(false);
  expect(isSameHost('a.test..', 'a.test')).toBe(false);
});

test('a Host header leaves out port 80 alone', () => {
  expect([
    renderHost({ host: 'a', port: 80 }),
    renderHost({ host: 'a', port: 81 }),
    renderHost({ host: '::1', port: 81 }),
  ]).toEqual(['a', 'a:81', '[::1]:81']);
});
