import { readSandboxes } from '../../state/sandboxes.ts';
import type { CliContext } from '../context.ts';
import { renderTable } from '../table.ts';

/** `sbox list`: the sandboxes of this user. */
export const list = (options: { readonly json?: true }, context: CliContext): number => {
  const sandboxes = readSandboxes(context.stateDir);
  if (options.json) context.print(`${JSON.stringify(sandboxes, null, 2)}\n`);
  else if (sandboxes.length === 0) context.print('no sandboxes yet\n');
  else
    context.print(
      renderTable(sandboxes.map(({ name, workspace, created }) => [name, workspace, created.slice(0, 10)])),
    );
  return 0;
};
