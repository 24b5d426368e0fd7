import type { Plan } from '../domain/plan.ts';
import type { Session } from './session.ts';

/** Signals that are meant for the command when they reach the launcher. */
const passedOn: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGTSTP',
];

/** Passes the launcher's own signals on to the command until disposed; SIGCONT only if the terminal's jobs don't need it. */
export const passSignals = (session: Session, { terminal }: Plan): Disposable => {
  const signals = terminal ? passedOn : [...passedOn, 'SIGCONT' as const];
  const pass = (signal: NodeJS.Signals) => session.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, pass);
    },
  };
};
