import { join } from 'node:path';
import { exitCode, SboxError } from '../../domain/errors.ts';
import { removeTree } from '../../state/remove-tree.ts';
import { readSandboxes } from '../../state/sandboxes.ts';
import { listUsers } from '../../state/use.ts';
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
  const folderOf = (name: string) => join(context.stateDir, 'sandboxes', name);
  const busy = names.find((name) => listUsers(folderOf(name)).length > 0);
  if (busy !== undefined) {
    throw new SboxError({
      code: 'SBOX_E_STATE',
      message: `cannot remove "${busy}": a run is in it`,
      cause: `process ${listUsers(folderOf(busy)).join(', ')} has it`,
      fix: 'end that run first',
    });
  }
  for (const name of names) {
    await removeTree(folderOf(name));
    context.print(`removed ${name}\n`);
  }
  return 0;
};
