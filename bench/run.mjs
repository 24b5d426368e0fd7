// npm run bench [-- --only start,steady,growth] [--json FILE]: every claim of speed as a ratio, measured in turns in one run.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { compare, plainEnv } from './measure.mjs';

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } });
const wanted = values.only?.split(',') ?? Object.keys(cases);
const unknown = wanted.filter((name) => !(name in cases));
if (unknown.length > 0) {
  console.error(`bench: no such case: ${unknown.join(', ')}; there are: ${Object.keys(cases).join(', ')}`);
  process.exit(2);
}

const doctor = spawnSync(process.execPath, [new URL('../bin/sbox.js', import.meta.url).pathname, 'doctor', '--json'], {
  env: plainEnv,
});
const available = JSON.parse(doctor.stdout)
  .rungs.filter(({ mechanism }) => mechanism.kind !== undefined)
  .map(({ name }) => name);
const machine = {
  date: new Date().toISOString().slice(0, 10),
  kernel: release(),
  node: process.version,
  processors: `${cpus().length} x ${cpus()[0]?.model}`,
};
console.log(Object.values(machine).join(', '));

const results = [];
const folder = mkdtempSync(join(tmpdir(), 'sbox-bench-'));
process.env.XDG_STATE_HOME = plainEnv.XDG_STATE_HOME = join(folder, 'state');
try {
  for (const name of wanted) {
    for (const { title, commands, rounds } of cases[name](folder, available)) {
      const rows = compare(commands, { rounds });
      results.push({ case: name, title, rows });
      console.log(`\n${title}\n`);
      console.log('| | median ms | ratio | middle half |\n|---|---|---|---|');
      for (const row of rows) console.log(`| ${row.name} | ${row.medianMs.toFixed(1)} | ${renderRatio(row)} |`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, results }, null, 2)}\n`);

/** A ratio whose spread is larger than its distance from 1 is marked: it shows no difference. */
function renderRatio({ ratio, ratioQuartiles: [low, high] }) {
  const doubtful = low < 1 && high > 1 ? ' (no difference shown)' : '';
  return `${ratio.toFixed(2)}${doubtful} | ${low.toFixed(2)}–${high.toFixed(2)}`;
}
