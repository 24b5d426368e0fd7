import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../../src/profile/load.ts';
import { forgetDocument, trustDocument } from '../../../src/profile/trust.ts';
import { assertTrusted, listTrusted } from '../../../src/profile/trusted.ts';
import { policyFolders } from '../../support/policy-folders.ts';

const content = Buffer.from('{}');

describe('the sbox.json of a workspace', () => {
  test('does not apply before it is trusted', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '{ not even valid');
    await expect(loadProfile(folders.request())).rejects.toMatchObject({
      code: 'SBOX_E_UNTRUSTED',
      exitCode: 125,
      message: `"${file}" is not trusted`,
      reason: 'an agent may have written it',
      fix: `read it, then: sbox trust "${folders.workspace}" (or run with --no-config to ignore it)`,
    });
  });

  test('applies with the trusted content, not with any other, and again when the content is back', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '{}');
    await trustDocument(file, content, folders.stateDir);
    await expect(loadProfile(folders.request())).resolves.toBeDefined();
    folders.write('work/sbox.json', '{ }');
    await expect(loadProfile(folders.request())).rejects.toMatchObject({
      code: 'SBOX_E_UNTRUSTED',
      exitCode: 125,
      message: `"${file}" has changed since it was trusted`,
    });
    folders.write('work/sbox.json', '{}');
    await expect(loadProfile(folders.request())).resolves.toBeDefined();
  });

  test('does not apply with the same content in another folder', async () => {
    const folders = policyFolders();
    await trustDocument(folders.write('work/sbox.json', '{}'), content, folders.stateDir);
    folders.write('other/sbox.json', '{}');
    await expect(loadProfile(folders.request({ workspace: join(folders.root, 'other') }))).rejects.toMatchObject({
      code: 'SBOX_E_UNTRUSTED',
    });
  });

  test('is refused if it is a link, even one to trusted content', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '{}');
    await trustDocument(file, content, folders.stateDir);
    unlinkSync(file);
    symlinkSync(folders.write('elsewhere.json', '{}'), file);
    await expect(loadProfile(folders.request())).rejects.toMatchObject({
      code: 'SBOX_E_PROFILE',
      exitCode: 2,
      message: `cannot read "${file}": it is a symbolic link`,
    });
  });

  test('is the same file when its folder is reached through a link', async () => {
    const folders = policyFolders();
    folders.write('work/sbox.json', '{}');
    const link = join(folders.root, 'link');
    symlinkSync(folders.workspace, link);
    await trustDocument(join(link, 'sbox.json'), content, folders.stateDir);
    await expect(loadProfile(folders.request())).resolves.toBeDefined();
    await expect(loadProfile(folders.request({ workspace: link }))).resolves.toBeDefined();
  });
});

describe('the record', () => {
  test('holds path, hash and time, one entry a path, private to the user', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '{}');
    await trustDocument(file, Buffer.from('old'), folders.stateDir);
    chmodSync(folders.stateDir, 0o755);
    const entry = await trustDocument(file, content, folders.stateDir);
    const sha256 = createHash('sha256').update('{}').digest('hex');
    expect(entry).toEqual({ path: file, sha256, trustedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(listTrusted(folders.stateDir)).toEqual([entry]);
    expect(statSync(folders.stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(folders.stateDir, 'trusted.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folders.stateDir)).toEqual(['trusted.json']);
  });

  test('forgets', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '{}');
    expect(await forgetDocument(file, folders.stateDir)).toBe(false);
    await trustDocument(file, content, folders.stateDir);
    expect(await forgetDocument(file, folders.stateDir)).toBe(true);
    expect(listTrusted(folders.stateDir)).toEqual([]);
    expect(() => assertTrusted(file, content, folders.stateDir)).toThrow('is not trusted');
  });

  test.each(['', '{', '[]', '{"trusted":[{"path":1}]}', 'null'])('that is damaged trusts nothing: %j', (damage) => {
    const folders = policyFolders();
    const record = folders.write('state/trusted.json', damage);
    expect(() => listTrusted(folders.stateDir)).toThrow(`cannot read "${record}": it is damaged`);
  });

  test('loses no entry when several processes trust at once', async () => {
    const folders = policyFolders();
    const script = join(folders.root, 'trust.mjs');
    const source = new URL('../../../src/profile/trust.ts', import.meta.url).pathname;
    await build({ entryPoints: [source], outfile: script, bundle: true, format: 'esm', platform: 'node' });
    const code = `const { trustDocument } = await import(${JSON.stringify(script)});
      for (let i = 0; i < 5; i++) await trustDocument('/none/' + process.argv[1] + '/' + i, Buffer.from('x'), ${JSON.stringify(folders.stateDir)});`;
    const exits = await Promise.all(
      Array.from(
        { length: 6 },
        (_, index) =>
          new Promise((resolve) => {
            const child = spawn(process.execPath, ['--input-type=module', '-e', code, String(index)], {
              stdio: ['ignore', 'ignore', 'inherit'],
            });
            child.on('exit', resolve);
          }),
      ),
    );
    expect(exits).toEqual([0, 0, 0, 0, 0, 0]);
    expect(listTrusted(folders.stateDir)).toHaveLength(30);
    expect(readdirSync(folders.stateDir)).toEqual(['trusted.json']);
    expect(JSON.parse(readFileSync(join(folders.stateDir, 'trusted.json'), 'utf8'))).toMatchObject({ version: 1 });
  });
});
