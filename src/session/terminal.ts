import { constants } from 'node:os';
import { probeForeground } from '../host/terminal.ts';
import type { Launched } from '../rungs/launch.ts';
import { controlSignal } from '../rungs/program/supervise.ts';

/** A background job whose command waits for the terminal is tried again this much later. */
const retryMs = 1_000;
const waitsForTerminal: readonly number[] = [constants.signals.SIGTTIN, constants.signals.SIGTTOU];

/**
 * Job control: when the command stops (Ctrl-Z), the launcher's whole process group stops as the shell expects of a job; when the
 * shell continues it, the command is continued, with the terminal if the job is in the foreground.
 */
export const followTerminal = (launched: Launched): Disposable => {
  const resume = (): void => {
    launched.child.kill(probeForeground().foreground ? controlSignal.foreground : controlSignal.resume);
  };
  let retry: NodeJS.Timeout | undefined;
  launched.onStopped = (signal) => {
    const waits = waitsForTerminal.includes(signal);
    if (waits && probeForeground().foreground) {
      resume(); // the job has the terminal: the command may, too
      return;
    }
    stopGroup();
    if (probeForeground().foreground || !waits) resume();
    else retry = setTimeout(resume, retryMs);
  };
  process.on('SIGCONT', resume);
  return {
    [Symbol.dispose]: () => {
      clearTimeout(retry);
      process.off('SIGCONT', resume);
    },
  };
};

/** Returns once the job is continued, or at once if no shell could ever continue it (an orphaned process group). */
const stopGroup = (): void => {
  const listeners = process.listeners('SIGTSTP') as NodeJS.SignalsListener[];
  for (const listener of listeners) process.off('SIGTSTP', listener);
  process.kill(0, 'SIGTSTP');
  for (const listener of listeners) process.on('SIGTSTP', listener);
};
