import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** The ids of the processes of this host whose arguments hold the text, or are exactly that. */
export const processesWith = (text: string, as: 'part' | 'whole' = 'part'): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => (as === 'part' ? argumentsOf(name).includes(text) : argumentsOf(name).trim() === text))
    .map(Number);

const argumentsOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return ''; // ended meanwhile
  }
};

/** An argument for sleep(1) that tells its process apart from every other of this host. */
export const uniqueDuration = (): string => `8${randomInt(1000, 9999)}.${randomInt(100_000_000, 999_999_999)}`;

/** Waits until `look` gives true; fails the case with `what` if that never happens. */
export const until = async (what: string, look: () => boolean, patienceMs = 20_000): Promise<void> => {
  const end = Date.now() + patienceMs;
  while (!look()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
