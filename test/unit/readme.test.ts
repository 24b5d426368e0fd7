import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the matrix in the README is current (else: node scripts/matrix.mjs)', () => {
  const render = "import('./scripts/matrix.mjs').then(({ renderReadme }) => process.stdout.write(renderReadme()))";
  const rendered = execFileSync(process.execPath, ['-e', render], { cwd: root, encoding: 'utf8' });
  expect(readFileSync(`${root}/README.md`, 'utf8')).toBe(rendered);
});
