import { readFileSync } from 'node:fs';
import type { Facts } from '../domain/facts.ts';

/**
 * The limits of open files as the caller had them: Node raises the soft one to the hard one at its start, so they are read from the
 * parent, if its hard limit shows that they are the same.
 */
export const probeOpenFiles = (): Facts['openFiles'] => {
  const own = readLimits('self');
  const parent = readLimits(process.ppid);
  return own !== undefined && parent?.hard === own.hard && parent.soft <= own.soft ? parent : undefined;
};

/** One process's limits of open files (proc_pid_limits(5)). */
const readLimits = (pid: number | 'self'): Facts['openFiles'] => {
  try {
    const line = /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'));
    return line ? { soft: Number(line[1]), hard: Number(line[2]) } : undefined;
  } catch {
    return undefined;
  }
};
