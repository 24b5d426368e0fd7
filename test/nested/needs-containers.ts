import { findProgram } from '../support/needs.ts';

/**
 * Whether copies of container environments can be made here. What is missing fails the tests where CI is set, so that nothing is skipped
 * there in silence; elsewhere it is printed, and they are skipped.
 */
export const needsContainers = (): boolean => {
  const missing = [
    ...(process.getuid?.() === 0 ? [] : ['root']),
    ...['crun', 'gcc', 'unshare', 'setpriv'].filter((name) => findProgram(name) === undefined),
    ...(findProgram('python3') === undefined ? ['python3'] : []),
  ];
  if (missing.length === 0) return true;
  const reason = `needs ${missing.join(', ')}`;
  if (process.env['CI']) throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return false;
};
