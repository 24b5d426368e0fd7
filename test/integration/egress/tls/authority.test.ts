import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openAuthority } from '../../../../src/egress/tls/authority.ts';
import { makeKeyPair, renderAuthority, renderLeaf, renderPem } from '../../../../src/egress/tls/certificate.ts';
import { needs, program } from '../../../support/needs.ts';
import { aTree } from '../../../support/trees.ts';

const run = promisify(execFile);
const day = 24 * 3600 * 1000;
const validity = { fromMs: Date.now() - day, untilMs: Date.now() + day };
const keys = makeKeyPair();
const authority = renderAuthority('an authority', keys, ['api.test'], validity);
const leafFor = (host: string): string =>
  renderPem(renderLeaf(host, keys.publicKey, { name: 'an authority', keys }, validity));

needs(program('openssl'))('OpenSSL accepts a leaf of a bound name, and none of another', async () => {
  const tree = aTree({
    'ca.pem': renderPem(authority),
    'good.pem': leafFor('api.test'),
    'bad.pem': leafFor('evil.test'),
  });
  const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', join(tree, 'ca.pem')];
  expect((await run('openssl', [...args, join(tree, 'good.pem')])).stdout).toContain('OK');
  await expect(run('openssl', [...args, join(tree, 'bad.pem')])).rejects.toMatchObject({
    stderr: expect.stringContaining('permitted subtree violation'),
  });
});

test('a client that trusts the authority shakes hands for a bound name, and refuses any other', async () => {
  const { certificatePem, contextFor } = openAuthority({ hosts: ['api.test', '*.wild.test'] });
  const server = createServer({ SNICallback: (name, done) => done(null, contextFor(name)) }, (socket) => socket.end());
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const shake = (servername: string) =>
    new Promise<string>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', servername, ca: certificatePem });
      socket.once('secureConnect', () => resolve('ok')).once('error', (error) => resolve(error.message));
      socket.on('close', () => socket.destroy());
    });
  expect(await shake('api.test')).toBe('ok');
  expect(await shake('a.wild.test')).toBe('ok');
  expect(await shake('evil.test')).toContain('permitted subtree violation');
  server.close();
});

test('a leaf is made once, and again before it expires', () => {
  let now = Date.UTC(2026, 0, 1);
  const { contextFor } = openAuthority({ hosts: ['api.test'], nowMs: () => now });
  const first = contextFor('api.test');
  now += 2 * day;
  expect(contextFor('api.test')).toBe(first);
  now += 1.5 * day;
  expect(contextFor('api.test')).not.toBe(first);
});
