// Builds dist/: the bundle (one file per lazily imported command), the interpreter's executables, the types, the schema.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
rmSync('dist', { recursive: true, force: true });

await build({
  entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts', executable: 'src/syscall/elf.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  mainFields: ['module', 'main'], // jsonc-parser's main file can't be bundled
  minify: true,
  keepNames: false,
  legalComments: 'none',
  sourcemap: false,
  chunkNames: 'chunks/[name]-[hash]',
  banner: {
    // CommonJS packages inside the bundle ask for node's modules by require
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
});

const { renderExecutable } = await import(new URL('../dist/executable.js', import.meta.url));
for (const arch of ['x64', 'arm64']) {
  writeFileSync(`dist/interpreter-${arch}`, renderExecutable(arch));
  chmodSync(`dist/interpreter-${arch}`, 0o755);
}
rmSync('dist/executable.js');

if (existsSync('scripts/schema.mjs')) await (await import('./schema.mjs')).writeSchema();
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.types.json'], { stdio: 'inherit' });
