import { readdirSync, readFileSync } from 'node:fs';

/** The processes of a run that are sbox's own: the outer supervisor, its inner one, and the brokers beside each. */
export interface Supervisors {
  readonly outer: number;
  readonly inner: number;
  readonly brokerOutside: number;
  /** absent where the sandbox shares the host's network */
  readonly brokerInside?: number;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** what it was started as: unlike its executable, nobody is kept from reading that */
  readonly program: string;
}

const processOf = (pid: number): Process | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return { pid, parent, program: readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0] ?? '' };
  } catch {
    return undefined; // ended meanwhile
  }
};

const processes = (): Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processOf(Number(name)) ?? []);

const childrenOf = (pid: number): Process[] =>
  processes().filter(({ parent, program }) => parent === pid && program.includes('interpreter'));

const depthOf = (pid: number): number =>
  (/^NSpid:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '').trim().split(/\s+/).length;

const hasChildren = (pid: number): boolean => processes().some(({ parent }) => parent === pid);

/** Finds them below a launcher whose command is running. As root, for their files are closed to anybody else. */
export const findSupervisors = (launcher: number): Supervisors => {
  const outer = childrenOf(launcher).find(({ pid }) => hasChildren(pid));
  if (outer === undefined) throw new Error('no outer supervisor');
  const below = childrenOf(outer.pid);
  const inner = below.find(({ pid }) => hasChildren(pid));
  const brokerOutside = below.find(({ pid }) => pid !== inner?.pid);
  if (!inner || !brokerOutside) throw new Error('no inner supervisor, or no broker');
  const brokerInside = childrenOf(inner.pid).find(({ pid }) => depthOf(pid) > depthOf(brokerOutside.pid));
  return {
    outer: outer.pid,
    inner: inner.pid,
    brokerOutside: brokerOutside.pid,
    ...(brokerInside && { brokerInside: brokerInside.pid }),
  };
};

/** The process that copies between the sockets of busy tunnels, if a launcher has started it. */
export const findSplicer = (launcher: number): number | undefined =>
  childrenOf(launcher).find(({ pid }) => !hasChildren(pid))?.pid;

/** The processes whose program is in a folder. */
export const processesFrom = (folder: string): number[] =>
  processes()
    .filter(({ program }) => program.startsWith(folder))
    .map(({ pid }) => pid);
