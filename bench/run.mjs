// npm run bench [-- --only start,network] [--json FILE] [--compare FILE] [--most N]: every claim of speed as a ratio, measured in turns in one run.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases } from './cases/all.mjs';
import { openMaterial } from './cases/material.mjs';
import { describeMachine, warnOfLoad } from './machine.mjs';
import { compare, openRunner, plainEnv, runOnce } from './measure.mjs';
import { findPeers } from './peers.mjs';
import { renderComparison, renderGroup, slopeOf } from './report.mjs';
import { checkTargets, renderTargets } from './targets.mjs';

/** A group that would begin later than this is left out, and a further round after the deadline. */
const lastBeginMs = 15 * 60_000;
const deadlineMs = 17 * 60_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'string' },
    compare: { type: 'string' },
    /** the largest number of sandboxes at once */
    most: { type: 'string', default: '100' },
  },
});

const main = async () => {
  const wanted = values.only?.split(',') ?? Object.keys(cases);
  const unknown = wanted.filter((name) => !(name in cases));
  if (unknown.length > 0) {
    console.error(`bench: no such case: ${unknown.join(', ')}; there are: ${Object.keys(cases).join(', ')}`);
    return 2;
  }
  const before = values.compare && JSON.parse(readFileSync(values.compare, 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'sbox-bench-'));
  plainEnv.XDG_STATE_HOME = join(folder, 'state');
  const runner = openRunner();
  const removeAll = () => rmSync(folder, { recursive: true, force: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      runner.close();
      removeAll();
      process.exit(1);
    });
  }
  try {
    const context = await openContext(folder, runner);
    const results = await measureAll(wanted, context);
    const targets = checkTargets(results);
    if (targets.length > 0) console.log(renderTargets(targets));
    const outcome = { machine: context.machine, results, targets };
    if (before) console.log(renderComparison(before, outcome));
    if (values.json) writeFileSync(values.json, `${JSON.stringify(outcome, null, 2)}\n`);
    const lost = results.flatMap(({ leftOut }) => leftOut).filter(({ own }) => own);
    if (lost.length > 0) console.error(`\nbench: sbox itself could not run ${lost.length} cases; see "left out"`);
    return lost.length > 0 ? 1 : 0;
  } finally {
    runner.close();
    removeAll();
  }
};

const openContext = async (folder, runner) => {
  const script = fileURLToPath(new URL('../bin/sbox.js', import.meta.url));
  const doctor = spawnSync(process.execPath, [script, 'doctor', '--json'], { env: plainEnv });
  if (doctor.status !== 0) throw new Error(`sbox doctor failed: build first (npm run build). ${doctor.stderr}`);
  const rungs = JSON.parse(doctor.stdout)
    .rungs.filter(({ mechanism }) => mechanism.kind !== undefined)
    .map(({ name }) => name);
  const { found, missing } = findPeers(folder);
  const machine = describeMachine(found);
  const floor = await runOnce(runner, { argv: ['true'], cwd: folder });
  const { peers, ...facts } = machine;
  for (const [name, value] of Object.entries({ ...facts, ...peers })) console.log(`${name}: ${value}`);
  console.log(
    `the largest process is never below ${Math.round(floor.peakKb / 1024)} MB, what runs the commands itself`,
  );
  for (const name of missing) console.log(`left out: ${name} is not installed (bench/setup installs it on Debian)`);
  return { folder, runner, rungs, peers: found, machine, most: Number(values.most), material: openMaterial(folder) };
};

const measureAll = async (wanted, context) => {
  const results = [];
  const started = Date.now();
  for (const name of wanted) {
    const made = await cases[name](context);
    try {
      for (const group of made.groups ?? made) {
        if (Date.now() - started > lastBeginMs) {
          console.log(`\nleft out: a group of ${name}: the time for the whole bench is over`);
          continue;
        }
        results.push({ case: name, ...(await measure(group, context, started + deadlineMs)) });
        console.log(renderGroup(results.at(-1)));
      }
    } finally {
      await made.close?.();
    }
  }
  return results;
};

const measure = async (group, { runner, folder }, deadline) => {
  let made;
  try {
    made = typeof group === 'function' ? group() : group;
    const busy = warnOfLoad();
    if (busy) console.log(`\nwarning: ${busy}`);
    const { title, counts } = made;
    const measured = await compare(runner, made, deadline);
    const slope = counts && slopeOf(counts, measured.rows);
    return { title, ...measured, ...(busy && { busy }), ...(slope && { slope }) };
  } catch (error) {
    // what it works on could not be made: npm without a registry, a full disk
    return {
      title: 'a group',
      rows: [],
      rounds: 0,
      leftOut: [{ name: 'all of it', own: false, why: String(error.message).split('\n')[0].replaceAll(folder, '') }],
    };
  } finally {
    await made?.close?.();
  }
};

process.exitCode = await main();
