import { readFileSync, readlinkSync } from 'node:fs';

/** Names one process for as long as this host remembers it: a pid alone is used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** clock ticks between boot and the start of the process (proc_pid_stat(5), field 22) */
  readonly start: string;
  /** a pid means nothing in another pid namespace, and nothing after a reboot */
  readonly namespace: string;
  readonly boot: string;
}

/** The identity of this process. */
export const ownIdentity = (): ProcessIdentity => ({
  pid: process.pid,
  start: probeStart(process.pid) ?? '',
  namespace: quietly(() => readlinkSync('/proc/self/ns/pid')) ?? '',
  boot: readBootId(),
});

/** Names this boot of the kernel (random(4)); empty where /proc does not tell. */
export const readBootId = (): string =>
  quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? '';

/** Whether that process has ended; one that can't be seen from here (another pid namespace) counts as running. */
export const hasEnded = (other: ProcessIdentity): boolean => {
  const own = ownIdentity();
  if (other.boot !== own.boot) return true;
  const comparable = other.namespace === own.namespace && other.start !== '';
  return comparable && probeStart(other.pid) !== other.start;
};

/** The start time of a running process; none if it has ended or waits as a zombie. */
const probeStart = (pid: number): string | undefined => {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // the second field is the program's name in brackets and may hold anything, brackets too
  const [state, ...rest] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === undefined || 'ZX'.includes(state) ? undefined : rest[18];
};

const quietly = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};
