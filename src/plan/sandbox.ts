import type { Facts } from '../domain/facts.ts';
import type { Invocation } from '../domain/invocation.ts';
import { baseOf } from '../domain/path.ts';
import type { Plan } from '../domain/plan.ts';

/** Which sandbox a run is in: the named one, else the workspace's own. */
export const planSandbox = (invocation: Invocation, facts: Facts): Plan['sandbox'] => {
  const name = invocation.name ?? nameOfWorkspace(facts.workspace);
  const folder = invocation.ephemeral ? facts.runFolder : `${facts.stateDir}/sandboxes/${name}`;
  return { name, folder, ephemeral: invocation.ephemeral, named: invocation.name !== undefined };
};

/** The folder's own name for a person, and a hash of the whole path (FNV-1a, 64 bits) to tell two of one name apart. */
export const nameOfWorkspace = (workspace: string): string => {
  const readable = baseOf(workspace)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);
  return `${readable || 'workspace'}-${hashText(workspace)}`;
};

/** FNV-1a, 64 bits, as 16 hexadecimal digits. Tells names apart; protects nothing. */
export const hashText = (text: string): string => {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
};
