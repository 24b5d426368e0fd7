import { readFileSync, readlinkSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Terminal } from '../domain/facts.ts';

/** The controlling terminal, if one of the standard streams is it (proc_pid_stat(5): pgrp, tty_nr, tpgid). */
export const probeTerminal = (): Terminal | undefined => {
  const terminals = [0, 1, 2].filter((candidate) => isatty(candidate));
  const [fd] = terminals;
  if (fd === undefined) return undefined;
  const { processGroup, controlling, foreground } = probeForeground();
  if (!controlling) return undefined;
  return { fd, path: readlinkSync(`/proc/self/fd/${fd}`), processGroup, foreground, exclusive: terminals.length === 3 };
};

/** This process's group, whether it has a controlling terminal, and whether the group is in its foreground. */
export const probeForeground = (): { processGroup: number; controlling: boolean; foreground: boolean } => {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [processGroup = 0, terminal = 0, foregroundGroup = -1] = [fields[2], fields[4], fields[5]];
  return { processGroup, controlling: terminal !== 0, foreground: processGroup === foregroundGroup };
};
