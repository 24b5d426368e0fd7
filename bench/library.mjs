// One sandbox for many commands, measured in one process: node bench/library.mjs [ROUNDS] [RUNG] prints a table; as a part of the
// bench, `libraryGroup` gives commands with a `sample`.
import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findProgram, median, quantile } from './measure.mjs';

const wrap = (bwrap) => [
  ...[bwrap, '--unshare-all', '--die-with-parent', '--ro-bind', '/', '/'],
  ...['--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp', 'true'],
];

/** A group of the bench: the same command by Node alone, in a sandbox that there is, in one that is made for it, and by bwrap. */
export const libraryGroup = async ({ rung, network = 'none' } = {}) => {
  const { createSandbox } = await import('../dist/index.js');
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

const main = async (rounds, rung) => {
  const group = await libraryGroup({ rung });
  const samples = group.commands.map(() => []);
  for (let round = -3; round < rounds; round++) {
    for (const [index, { sample }] of group.commands.entries()) {
      const { wallMs } = await sample();
      if (round >= 0) samples[index].push(wallMs);
    }
  }
  await group.close();
  console.log(group.title);
  for (const [index, { name }] of group.commands.entries()) {
    const beside = samples[index].map((ms, round) => ms - samples[0][round]);
    const shown = [quantile(samples[index], 0.1), median(samples[index]), median(beside)].map((ms) =>
      ms.toFixed(1).padStart(7),
    );
    console.log(`${name.padEnd(34)} p10 ${shown[0]}  median ${shown[1]}  over the first ${shown[2]} ms`);
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(Number(process.argv[2] ?? 100), process.argv[3]);
