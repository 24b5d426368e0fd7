import { join } from 'node:path';
import { exitCode, SboxError } from '../../domain/errors.ts';
import { removeFolder } from '../../state/remove-folder.ts';
import { readSandboxes } from '../../state/sandboxes.ts';
import type { CliContext } from '../context.ts';

/** `sbox remove NAME...`: deletes sandboxes with their HOME; all names are checked before any goes. */
export const remove = async (names: readonly string[], context: CliContext): Promise<number> => {
  const known = readSandboxes(context.stateDir).map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: `cannot remove ${unknown.map((name) => `"${name}"`).join(', ')}: no such sandbox`,
      fix: 'sbox list',
      exitCode: exitCode.usage,
    });
  }
  for (const name of names) {
    await removeFolder(join(context.stateDir, 'sandboxes', name));
    context.print(`removed ${name}\n`);
  }
  return 0;
};
