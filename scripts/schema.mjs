// Writes profiles/sbox.schema.json from src/profile/schema.ts; test/unit/profile/json-schema.test.ts checks that it is current.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Node 20 can't import TypeScript, so the generator is bundled first. */
export const writeSchema = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sbox-schema-'));
  const outfile = join(folder, 'json-schema.mjs');
  try {
    await build({
      entryPoints: [join(root, 'scripts/json-schema.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'warning',
    });
    const { renderJsonSchema } = await import(pathToFileURL(outfile).href);
    writeFileSync(join(root, 'profiles/sbox.schema.json'), renderJsonSchema());
  } finally {
    rmSync(folder, { recursive: true });
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeSchema();
