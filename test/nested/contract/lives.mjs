import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { sayCheck } from './sbox.mjs';

/** Tries to outlive the run, in every way that it can end. */
export const tryLives = async (sbox, world, plan) => {
  for (const [id, lifeOf, victim] of [
    ['a daemon outlives its command', daemonLives],
    ['a daemon outlives a killed launcher', treeLives, (family) => family[0]],
    ['a daemon outlives a killed outer supervisor', treeLives, (family) => family[1]],
    ['a daemon outlives a killed inner supervisor', treeLives, (family) => family[2]],
  ]) {
    const control = await lifeOf(
      (argv) => argv,
      world,
      (family) => family[0],
    );
    const inside = await lifeOf((argv) => sbox.command(argv), world, victim);
    sayCheck(plan, { property: 'process', id, hole: /outlives the run/ }, control, inside);
  }
};

/** A double fork into a session of its own, by a command that ends at once. */
const daemonLives = async (render, { work, env }) => {
  const marker = uniqueDuration();
  const argv = render(['sh', '-c', `(setsid sleep ${marker} &); (setsid sh -c 'sleep ${marker} & sleep ${marker}' &)`]);
  const child = spawn(argv[0], argv.slice(1), { cwd: work, env, stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  return await survival(marker);
};

/** A process of the run's family is killed while the command runs: the launcher, a supervisor. */
const treeLives = async (render, { work, env }, victim) => {
  const marker = uniqueDuration();
  const script = `trap "" TERM HUP; (setsid sleep ${marker} &); sleep ${marker} & echo ready; sleep ${marker}`;
  const argv = render(['sh', '-c', script]);
  const child = spawn(argv[0], argv.slice(1), { cwd: work, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  process.kill(victim(familyOf(child.pid)), 'SIGKILL');
  await ended;
  return await survival(marker);
};

/** Whether anything of that mark is alive a second later; it is ended then. */
const survival = async (marker) => {
  for (let look = 0; look < 20 && processesWith(marker).length > 0; look++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const alive = processesWith(marker);
  for (const pid of alive) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {} // ended meanwhile
  }
  return alive.length > 0 ? 'works' : 'all are gone';
};

/** An argument for sleep(1) that tells its process apart from every other of this host. */
const uniqueDuration = () => `7${randomInt(1000, 9999)}.${randomInt(100_000_000, 999_999_999)}`;

const processIds = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

const processesWith = (marker) =>
  processIds()
    .filter((pid) => readOf(pid, 'cmdline').includes(marker))
    .map(Number);

const readOf = (pid, name) => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return ''; // ended meanwhile
  }
};

/** A process, its child that has children itself (a broker has none), that one's, and so on. */
const familyOf = (pid) => {
  const children = childrenOf(pid);
  const next = children.find((child) => childrenOf(child).length > 0) ?? children[0];
  return next === undefined ? [pid] : [pid, ...familyOf(next)];
};

const childrenOf = (pid) =>
  processIds()
    .filter((other) => readOf(other, 'stat').split(') ').at(-1)?.split(' ')[1] === String(pid))
    .map(Number);
