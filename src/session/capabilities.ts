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
  /** where namespaces were refused: the settings that may have refused them */
  readonly settings?: string;
  readonly capabilities: Capabilities;
}

const fileName = 'capabilities.json';

/** The capabilities, from the state directory if they were found since this boot, and no setting that would give more has changed. */
export const recallCapabilities = async (
  stateDir: string,
  arch: Facts['arch'],
  executable: string,
): Promise<Capabilities> => {
  const file = join(stateDir, fileName);
  const key = [4, release(), readBootId(), process.getuid?.(), ...readRestrictions()].join(' ');
  const known = recall(file, key);
  if (known) return known;
  const { openLock } = await import('../state/lock.ts');
  // one look, however many sandboxes are made at once
  using _lock = await openLock(`${file}.lock`, probeWaitMs);
  const found = recall(file, key);
  if (found) return found;
  const settings = readSettings(); // before the look: what changes meanwhile is seen by the next run
  const capabilities = await probeCapabilities(arch, executable);
  const remembered = { key, ...('fix' in capabilities.namespaces && { settings }), capabilities } satisfies Remembered;
  writeAtomically(file, `${JSON.stringify(remembered)}\n`);
  return capabilities;
};

const recall = (file: string, key: string): Capabilities | undefined => {
  const known = readRemembered(file);
  if (known?.key !== key || (known.settings !== undefined && known.settings !== readSettings())) return undefined;
  return known.capabilities;
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

/** What sbox advises to change where namespaces are refused (rungs/failure.ts). */
const readSettings = (): string =>
  ['user/max_user_namespaces', 'kernel/unprivileged_userns_clone', 'kernel/apparmor_restrict_unprivileged_userns']
    .map(readSetting)
    .join(' ');

const readSetting = (name: string): string => {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return 'none'; // of another distribution's kernel
  }
};

const readRemembered = (file: string): Remembered | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Remembered;
  } catch {
    return undefined; // missing or torn: found again
  }
};
