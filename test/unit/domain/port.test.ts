import { expect, test } from 'vitest';
import { parseHostTarget, parseMappedName, parsePublishedPort } from '../../../src/domain/port.ts';

const refused = { problem: expect.any(String), hint: expect.any(String) };

test.each([
  ['3000:80', { hostPort: 3000, port: 80 }],
  ['127.0.0.1:3000:80', { host: '127.0.0.1', hostPort: 3000, port: 80 }],
  ['[::1]:3000:80', { host: '::1', hostPort: 3000, port: 80 }],
  ['0.0.0.0:1:65535', { host: '0.0.0.0', hostPort: 1, port: 65535 }],
])('%s publishes a port', (text, value) => expect(parsePublishedPort(text)).toEqual({ value }));

test.each([
  '',
  ':',
  '3000',
  '3000:',
  ':3000',
  '0:1',
  '1:65536',
  '::1:1:2',
  'localhost:1:2',
  'a:b',
  '1:2:3',
  '01:1',
  '1:1\n',
])('%j publishes nothing', (text) => expect(parsePublishedPort(text)).toEqual(refused));
test.each([
  ['3000', 'write "3000:3000"'],
  ['localhost:1:2', 'write "127.0.0.1:1:2", or "1:2" for the same'],
])('%s: %s', (text, hint) => expect(parsePublishedPort(text)).toMatchObject({ hint }));

test.each([
  ['127.0.0.1', { address: '127.0.0.1' }],
  ['127.0.0.1:8443', { address: '127.0.0.1', port: 8443 }],
  ['[::1]:8443', { address: '::1', port: 8443 }],
  ['[2001:DB8::1]', { address: '2001:db8::1' }],
])('%s may stand for a name', (text, value) => expect(parseHostTarget(text)).toEqual({ value }));
test.each(['', 'a.test', 'localhost:1', '127.1', '::1', '[::1', '1.2.3.4:', '1.2.3.4:0', '[1.2.3.4]', '1.2.3.0/24'])(
  '%j may not',
  (text) => expect(parseHostTarget(text)).toEqual(refused),
);

test('a mapped name is canonical, and not localhost', () => {
  expect(parseMappedName('API.test.')).toEqual({ value: 'api.test' });
  expect(parseMappedName('Localhost')).toEqual(refused);
  expect(parseMappedName('127.0.0.1')).toEqual(refused);
});
