// Builds dist/: the command line as one CommonJS file (bin/sbox.js runs it through V8's code cache), the library as an ES module,
// the interpreter's executables, the types; and profiles/sbox.schema.json.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { writeSchema } from './schema.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  mainFields: ['module', 'main'], // jsonc-parser's main file can't be bundled
  minify: true,
  legalComments: 'none',
};
/** What bin/sbox.js runs: vm.Script has no import(). */
const script = { ...common, format: 'cjs', supported: { 'dynamic-import': false } };

/** What a run loads when its sandbox first connects, or has credentials, lies in files of their own, named as whoever loads them sees them. */
const apart = (folder) => ({
  name: 'apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(egress|tls|credentials)\/index\.ts$/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: `${folder}/${path.split('/').at(-2)}.cjs`, external: true },
    ),
});

/** Ends a file with its hash, the key of its code cache: V8 itself compares no more of a source than its length. */
const sign = (file) => appendFileSync(file, `//${createHash('sha256').update(readFileSync(file)).digest('hex')}`);

for (const part of ['egress', 'egress/tls', 'credentials']) {
  const outfile = `dist/${part.split('/').at(-1)}.cjs`;
  await build({ ...script, entryPoints: [`src/${part}/index.ts`], outfile });
  sign(outfile);
}
await build({
  ...script,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/cli.cjs',
  plugins: [apart('../dist')], // bin/sbox.js lends its require
});
sign('dist/cli.cjs');

await build({
  ...common,
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  format: 'esm',
  plugins: [apart('.')],
  // CommonJS packages inside the bundle ask for node's modules by require
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
});

const folder = mkdtempSync(join(tmpdir(), 'sbox-build-'));
try {
  const elf = join(folder, 'elf.mjs');
  await build({ ...common, entryPoints: ['src/syscall/elf.ts'], outfile: elf, format: 'esm' });
  const { renderExecutable } = await import(pathToFileURL(elf).href);
  for (const arch of ['x64', 'arm64']) {
    // by rename, for one that is running can't be written to
    writeFileSync(`dist/interpreter-${arch}.new`, renderExecutable(arch));
    chmodSync(`dist/interpreter-${arch}.new`, 0o755);
    renameSync(`dist/interpreter-${arch}.new`, `dist/interpreter-${arch}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

await writeSchema();
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.types.json'], { stdio: 'inherit' });
