import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadProfile } from '../../../src/profile/load.ts';
import { parseDocument } from '../../../src/profile/parse.ts';
import { policyFolders, shippedProfilesDir } from '../../support/policy-folders.ts';

const files = readdirSync(shippedProfilesDir).filter((name) => name !== 'sbox.schema.json');

test.each(files)('%s is valid plain JSON with a description: it is loaded without a check', async (name) => {
  const text = readFileSync(join(shippedProfilesDir, name), 'utf8');
  const parsed = parseDocument(text, name);
  expect(parsed).not.toHaveProperty('problems');
  expect(parsed).toMatchObject({ value: JSON.parse(text) });
  expect(JSON.parse(text)).toHaveProperty('description');
  await expect(loadProfile(policyFolders().request({ names: [name.replace('.json', '')] }))).resolves.toBeDefined();
});

test('strict has no network, limits everything and insists on it', async () => {
  const profile = await loadProfile(policyFolders().request({ names: ['strict'] }));
  expect(profile).toMatchObject({ network: { mode: 'none' }, mounts: [], limits: { processes: 512, openFiles: 1024 } });
  expect(profile.require).toEqual([
    'hide',
    'read',
    'write',
    'home',
    'env',
    'path',
    'network',
    'process',
    'tty',
    'limits',
  ]);
});
