import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../measure.mjs';
import { sbox } from './material.mjs';

const script = fileURLToPath(new URL('library-runs.mjs', import.meta.url));

/** Many commands in one process, as a program that embeds sbox runs them: in a sandbox that there is, and in one made for each. */
export const library = async (context) => {
  const within = [];
  for (const rung of context.rungs.filter((name) => name !== 'portable')) within.push(await libraryGroup({ rung }));
  return {
    groups: [...within, runs(context)],
    close: async () => {
      for (const { close } of within) await close();
    },
  };
};

/** No start of Node for each. */
const runs = ({ material, rungs, peers }) => {
  const [cwd, rung] = [material.empty(), rungs[0]];
  const times = (argv) => ['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do "$@" || exit 1; done', 'sh', ...argv];
  const bwrap = peers.find(({ name }) => name === 'bwrap');
  return {
    title: 'library: 10 runs of `true`, one after the other',
    rounds: 12,
    budgetMs: 30_000,
    commands: [
      {
        name: 'the command line 10 times',
        own: true,
        argv: times(sbox('--rung', rung, '--net', 'none', '--', 'true')),
        cwd,
      },
      { name: 'one process, the library', own: true, argv: [process.execPath, script, '10', rung], cwd },
      ...(bwrap ? [{ name: 'bwrap 10 times', argv: times(bwrap.wrap(['true'], cwd)), cwd }] : []),
    ],
  };
};

const wrap = (bwrap) => [
  ...[bwrap, '--unshare-all', '--die-with-parent', '--ro-bind', '/', '/'],
  ...['--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp', 'true'],
];

/** A group of the bench: the same command by Node alone, in a sandbox that there is, in one that is made for it, and by bwrap. */
const libraryGroup = async ({ rung, network = 'none' } = {}) => {
  const { createSandbox } = await import('../../dist/index.js');
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sbox-bench-')));
  const make = () =>
    createSandbox({
      workspace: folder,
      stateDir: `${folder}-state`,
      network: { mode: network },
      ...(rung && { rung }),
    });
  const box = await make();
  const bwrap = findProgram('bwrap');
  const one = (name, act) => ({ name, sample: () => timed(act) });
  return {
    title: `library: \`true\` in one process, ${box.report.rung}, network ${network}`,
    rounds: 100,
    budgetMs: 15_000,
    commands: [
      one('child_process.spawn', () => plain(['true'])),
      one('box.exec', () => box.exec('true')),
      one('createSandbox, box.exec, dispose', async () => {
        const own = await make();
        await own.exec('true');
        await own.dispose();
      }),
      ...(bwrap ? [one('bwrap', () => plain(wrap(bwrap)))] : []),
    ],
    close: async () => {
      await box.dispose();
      for (const made of [folder, `${folder}-state`]) rmSync(made, { recursive: true, force: true });
    },
  };
};

const timed = async (act) => {
  const started = performance.now();
  await act();
  return { wallMs: performance.now() - started };
};

const plain = ([program, ...args]) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    child.stderr.resume();
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program}: ${code}`))));
  });
