import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CliContext } from '../context.ts';

/** `sbox --version` */
export const version = (context: CliContext): number => {
  const { version: number } = JSON.parse(readFileSync(join(context.packageDir, 'package.json'), 'utf8')) as {
    version: string;
  };
  context.print(`${number}\n`);
  return 0;
};
