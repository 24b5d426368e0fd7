import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of a file in test/fixtures. */
export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** Compiles a C file of test/fixtures to a program that everyone may execute, and gives its path. */
export const compile = (name: string, output: string, flags: readonly string[] = []): string => {
  execFileSync('gcc', ['-O1', '-Wall', '-o', output, fixture(name), ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  chmodSync(output, 0o755);
  return output;
};
