import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * The environment of every measured process, as in the caller's shell: without what npm adds, and no CA variables, which double the start of
 * each Node for all alike.
 */
export const plainEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/CERT|_CA_|CA_BUNDLE|^NODE_OPTIONS$|_proxy$|^npm_/i.test(name)),
);
const addedByNpm = /(?:^|\/)node_modules\/(?:\.bin|.*\/node-gyp-bin)$/;
plainEnv.PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !addedByNpm.test(folder))
  .join(delimiter);

/** Where a program lies on PATH; undefined if it is not installed. */
export const findProgram = (name) =>
  `${process.env.PATH}:/usr/sbin:/sbin`
    .split(delimiter)
    .filter((folder) => !folder.includes('/shims'))
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** The process that runs commands and tells what each used; see runner.py. */
export const openRunner = () => {
  const python = findProgram('python3');
  if (python === undefined) throw new Error('the bench needs python3 (for wait4): apt-get install python3');
  const runner = [python, '-I', new URL('runner.py', import.meta.url).pathname];
  const [program, ...args] = [...mountCgroup2(), ...runner];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)));
  child.once('exit', () => {
    for (const { reject } of waiting) reject(new Error('the runner of the bench has ended'));
  });
  const ask = (request) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify(request)}\n`);
    });
  // its SIGTERM ends what it runs as well
  return { ask, close: () => child.kill('SIGTERM') };
};

/** crun refuses a host with cgroups of both versions: there everything is measured in a mount namespace with the second one alone. */
const mountCgroup2 = () => {
  const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
  if (unified || process.getuid() !== 0 || findProgram('crun') === undefined) return [];
  const script = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec "$@"';
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'];
};

/** Runs one command to its end. Throws if it fails: a failed run is no measurement. */
export const runOnce = async (runner, { argv, cwd, env, sample }) => {
  if (sample !== undefined) return sample();
  const used = await runner.ask({ argv, cwd, env: { ...plainEnv, ...env } });
  if (used.status !== 0) throw new Error(`${argv.join(' ')} failed (${used.status}): ${used.stderr.trim()}`);
  return used;
};

/** Between the two nearest values in proportion. */
export const quantile = (values, part) => {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place % 1);
};
export const median = (values) => quantile(values, 0.5);

/**
 * Runs the commands in turns (A B A B …) after a warm-up, and gives each one's medians, and the median of its ratios to the first one
 * with their quartiles: what the machine does beside hits both of a pair alike. A command whose first run fails is left out, and told.
 * Ends early when its time is up, after three rounds at least, and at the deadline of the whole bench. A command that takes a fiftieth of that
 * time alone, and thrice what the first one takes, is not run again: its warm-up is its figure.
 */
export const compare = async (runner, { commands, rounds, budgetMs = 60_000 }, deadline) => {
  const slowMs = budgetMs / 50;
  let usable = commands.map((command) => ({ ...command, isSlow: false, samples: [] }));
  const leftOut = [];
  /** One turn of each; a command that fails, in whatever round, has no figures. */
  const turn = async (take) => {
    for (const command of usable) {
      try {
        await take(command);
      } catch (error) {
        leftOut.push({ name: command.name, own: command.own ?? false, why: firstLines(error.message) });
        usable = command === usable[0] ? [] : usable.filter((other) => other !== command); // nothing to compare with, or one less
      }
    }
  };
  let firstMs = Number.POSITIVE_INFINITY;
  await turn(async (command) => {
    const used = await runOnce(runner, command);
    if (command === usable[0]) firstMs = used.wallMs;
    command.isSlow = used.wallMs > slowMs && used.wallMs > 3 * firstMs;
    if (command.isSlow) command.samples.push(used);
  });
  const end = Date.now() + budgetMs;
  let done = 0;
  for (; usable.length > 0 && done < rounds; done++) {
    if (done > 0 && (Date.now() > deadline || (done >= 3 && Date.now() > end))) break;
    await turn(async (command) => {
      if (!command.isSlow) command.samples.push(await runOnce(runner, command));
    });
  }
  return { rows: usable.map((command) => summarize(command, usable[0])), leftOut, rounds: done };
};

const summarize = ({ name, samples }, first) => {
  const wall = samples.map(({ wallMs }) => wallMs);
  const ratios = wall.map((ms, round) => ms / first.samples[round].wallMs);
  const of = (key) => (samples[0][key] === undefined ? {} : { [key]: median(samples.map((sample) => sample[key])) });
  return {
    name,
    medianMs: median(wall),
    quartilesMs: [quantile(wall, 0.25), quantile(wall, 0.75)],
    ...of('cpuMs'),
    ...of('peakKb'),
    ...of('pssKb'),
    ...of('rssKb'),
    ...of('processes'),
    ...of('endMs'),
    left: Math.max(...samples.map((sample) => sample.left ?? 0)),
    ratio: median(ratios),
    ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  };
};

const firstLines = (text) => text.split('\n').slice(0, 2).join(' ').slice(0, 300);
