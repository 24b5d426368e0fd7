import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../domain/plan.ts';
import { writeAtomically } from '../state/write-atomically.ts';

/** What a sandbox keeps of its runs' credentials, out of its commands' reach: no secret. */
export interface KeptCredentials {
  readonly placeholders: Readonly<Record<string, string>>;
  /** files below HOME that show placeholders: as a whole, or in lines */
  readonly files: Readonly<Record<string, 'lines' | 'whole'>>;
}

/** Nothing is kept of a sandbox that is forgotten with its only run. */
export const readKept = ({ folder, ephemeral }: Plan['sandbox']): KeptCredentials => {
  try {
    return ephemeral ? none : (JSON.parse(readFileSync(join(folder, fileName), 'utf8')) as KeptCredentials);
  } catch {
    return none; // the first run with credentials
  }
};

export const writeKept = ({ folder, ephemeral }: Plan['sandbox'], kept: KeptCredentials): void => {
  if (!ephemeral) writeAtomically(join(folder, fileName), `${JSON.stringify(kept)}\n`);
};

/** No other run of the sandbox reads or writes it meanwhile. */
export const lockKept = async ({ folder, ephemeral }: Plan['sandbox']): Promise<Disposable> => {
  if (ephemeral) return { [Symbol.dispose]: () => {} };
  const { openLock } = await import('../state/lock.ts');
  return openLock(join(folder, `${fileName}.lock`));
};

const fileName = 'credentials.json';
const none: KeptCredentials = { placeholders: {}, files: {} };
