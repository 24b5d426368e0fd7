import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Capabilities, Facts } from '../domain/facts.ts';
import { probeCapabilities } from '../rungs/probe.ts';
import { readBootId } from '../state/process-identity.ts';
import { writeAtomically } from '../state/write-atomically.ts';

/** What the capabilities are remembered for: this boot of this kernel, this user, this container, these restrictions. */
interface Remembered {
  readonly key: string;
  readonly capabilities: Capabilities;
}

const fileName = 'capabilities.json';

/** The capabilities, from the state directory if they were found since this boot. */
export const recallCapabilities = async (
  stateDir: string,
  arch: Facts['arch'],
  executable: string,
): Promise<Capabilities> => {
  const file = join(stateDir, fileName);
  const key = [4, release(), readBootId(), process.getuid?.(), ...readRestrictions()].join(' ');
  const known = readRemembered(file);
  if (known?.key === key) return known.capabilities;
  const { openLock } = await import('../state/lock.ts');
  // one look, however many sandboxes are made at once
  using _lock = await openLock(`${file}.lock`, probeWaitMs);
  const found = readRemembered(file);
  if (found?.key === key) return found.capabilities;
  const capabilities = await probeCapabilities(arch, executable);
  writeAtomically(file, `${JSON.stringify({ key, capabilities } satisfies Remembered)}\n`);
  return capabilities;
};

/** Each of those that wait holds the lock for a moment, too. */
const probeWaitMs = 60_000;

/** Forgets what was remembered, because something that it promised has failed. */
export const forgetCapabilities = (stateDir: string): void => rmSync(join(stateDir, fileName), { force: true });

/** The mount namespace, which every container has its own of, and what filters and capabilities this process has. */
const readRestrictions = (): string[] => {
  const status = readFileSync('/proc/self/status', 'utf8');
  const lines = status.match(/^(CapEff|CapBnd|NoNewPrivs|Seccomp|Seccomp_filters):\s*\S+/gm) ?? [];
  return [readlinkSync('/proc/self/ns/mnt'), ...lines.map((line) => line.replace(/\s+/, ''))];
};

const readRemembered = (file: string): Remembered | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Remembered;
  } catch {
    return undefined; // missing or torn: found again
  }
};
