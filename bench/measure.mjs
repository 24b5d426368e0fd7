import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** The environment of every measured process: no CA variables, which double the start of each Node for all alike. */
export const plainEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/CERT|_CA_|CA_BUNDLE|^NODE_OPTIONS$/.test(name)),
);

/** Wall-clock milliseconds of one whole process. Throws if it fails: a failed run is no measurement. */
const timeOnce = ({ argv, cwd }) => {
  const start = performance.now();
  const { status, error, stderr } = spawnSync(argv[0], argv.slice(1), {
    cwd,
    env: plainEnv,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ms = performance.now() - start;
  if (error || status !== 0) throw new Error(`${argv.join(' ')} failed (${error?.message ?? status}): ${stderr}`);
  return ms;
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const quartile = (values, part) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)];

/**
 * Runs the commands in turns (A B A B …) after a warm-up, and gives each one's median, and the median of its ratios to the first one
 * with their quartiles: what the machine does beside hits both of a pair alike.
 */
export const compare = (commands, { rounds, warmUp = 2 }) => {
  const times = commands.map(() => []);
  for (let round = -warmUp; round < rounds; round++) {
    commands.forEach((command, index) => {
      const ms = timeOnce(command);
      if (round >= 0) times[index].push(ms);
    });
  }
  return commands.map(({ name }, index) => {
    const ratios = times[index].map((ms, round) => ms / times[0][round]);
    return {
      name,
      medianMs: median(times[index]),
      ratio: median(ratios),
      ratioQuartiles: [quartile(ratios, 0.25), quartile(ratios, 0.75)],
    };
  });
};
