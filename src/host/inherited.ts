import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Facts } from '../domain/facts.ts';

/** Node ignores SIGPIPE itself; the two others can't be ignored. */
const never: readonly number[] = [constants.signals.SIGPIPE, constants.signals.SIGKILL, constants.signals.SIGSTOP];

/** The signals that the caller ignores (proc_pid_status(5), SigIgn). */
export const probeIgnoredSignals = (): number[] => {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readQuietly('/proc/self/status'))?.[1];
  if (mask === undefined) return [];
  const low = Number.parseInt(mask.slice(-8), 16); // signals 1 to 32; the real-time ones are nobody's convention
  return Array.from({ length: 31 }, (_, index) => index + 1).filter(
    (signal) => low & (1 << (signal - 1)) && !never.includes(signal),
  );
};

/** The parent's limits of open files: this process's own before Node raised the soft one to the hard one at its start. */
export const probeOpenFiles = (): Facts['openFiles'] => {
  const line = /^Max open files\s+(\d+)\s+(\d+)/m.exec(readQuietly(`/proc/${process.ppid}/limits`));
  return line ? { soft: Number(line[1]), hard: Number(line[2]) } : undefined;
};

const readQuietly = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};
