import { defineConfig } from 'vitest/config';

/** unit: pure, no process; integration: the host's facts, the interpreter, the state directory; escape: attacks; e2e: the built command line; nested: in copies of container environments. */
const project = (name: string, options: { readonly timeoutMs: number; readonly parallel: boolean }) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: options.timeoutMs,
    hookTimeout: options.timeoutMs,
    fileParallelism: options.parallel,
  },
});

export default defineConfig({
  test: {
    maxWorkers: '100%', // they wait more than they compute
    projects: [
      project('unit', { timeoutMs: 5_000, parallel: true }),
      project('integration', { timeoutMs: 30_000, parallel: true }),
      project('escape', { timeoutMs: 60_000, parallel: true }),
      project('e2e', { timeoutMs: 180_000, parallel: false }),
      project('nested', { timeoutMs: 300_000, parallel: false }),
    ],
  },
});
