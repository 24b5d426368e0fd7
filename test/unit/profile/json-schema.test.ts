import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderJsonSchema } from '../../../scripts/json-schema.ts';
import { documentSchema } from '../../../src/profile/schema.ts';
import { shippedProfilesDir } from '../../support/policy-folders.ts';

test('the shipped schema is current (else: node scripts/schema.mjs)', () => {
  expect(readFileSync(join(shippedProfilesDir, 'sbox.schema.json'), 'utf8')).toBe(renderJsonSchema());
});

test('every key has a description for editors, and no other key is allowed', () => {
  const schema = JSON.parse(renderJsonSchema());
  expect(Object.keys(schema.properties)).toEqual(Object.keys(documentSchema.pipe[1].entries));
  for (const part of [schema, ...['env', 'limits', 'network', 'path'].map((key) => schema.properties[key])]) {
    expect(part.additionalProperties).toBe(false);
    for (const property of Object.values(part.properties)) expect(property).toHaveProperty('description');
  }
});
