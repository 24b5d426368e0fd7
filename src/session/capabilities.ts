import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Capabilities, Facts } from '../domain/facts.ts';
import { probeCapabilities } from '../rungs/probe.ts';
import { readBootId } from '../state/process-identity.ts';
import { writeAtomically } from '../state/write-atomically.ts';

/** What the capabilities of a machine are remembered for: this boot of this kernel, for this user. */
interface Remembered {
  readonly key: string;
  readonly capabilities: Capabilities;
}

/** The capabilities, from the state directory if they were found since this boot. */
export const recallCapabilities = async (
  stateDir: string,
  arch: Facts['arch'],
  executable: string,
): Promise<Capabilities> => {
  const file = join(stateDir, 'capabilities.json');
  const key = [2, release(), readBootId(), process.getuid?.()].join(' ');
  const known = readRemembered(file);
  if (known?.key === key) return known.capabilities;
  const capabilities = await probeCapabilities(arch, executable);
  writeAtomically(file, `${JSON.stringify({ key, capabilities } satisfies Remembered)}\n`);
  return capabilities;
};

const readRemembered = (file: string): Remembered | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Remembered;
  } catch {
    return undefined; // missing or torn: found again
  }
};
