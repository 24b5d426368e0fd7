import { toJsonSchema } from '@valibot/to-json-schema';
import { documentSchema } from '../src/profile/schema.ts';

/** The text of profiles/sbox.schema.json: the document's shape for editors (JSON Schema, draft 7). */
export const renderJsonSchema = (): string => {
  // parsedBy and the test for lists have no counterpart in JSON Schema: the patterns stand for them
  const { $schema, ...shape } = toJsonSchema(documentSchema, { errorMode: 'ignore' });
  const head = {
    $schema,
    title: 'sbox policy document',
    description: 'A profile, or the sbox.json of a workspace: JSON with comments and trailing commas.',
    // read by VS Code's JSON language server
    allowComments: true,
    allowTrailingCommas: true,
  };
  return `${JSON.stringify({ ...head, ...shape }, undefined, 2)}\n`;
};
