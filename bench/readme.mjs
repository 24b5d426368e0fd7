// node bench/readme.mjs FILE.json: writes what `npm run bench -- --json FILE.json` measured into README.md and bench/README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderTargets } from './targets.mjs';

const { machine, results, targets } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const rowsOf = (title) => {
  const group = results.find((one) => one.title.startsWith(title));
  return Object.fromEntries((group?.rows ?? []).map((row) => [row.name, row]));
};
const ratio = (row) => (row === undefined ? '–' : row.ratio.toFixed(row.ratio < 10 ? 1 : 0));
const over = (row, base, count = 1) =>
  row === undefined || base === undefined ? '–' : signed((row.medianMs - base.medianMs) / count);
const signed = (ms) => `${ms < 0 ? '' : '+'}${ms.toFixed(1)} ms`;
const named = (rows, names) => names.flatMap((name) => (rows[name] ? [`${name} ${ratio(rows[name])}`] : [])).join(', ');

const start = rowsOf('start: a whole run of `true`');
const inside = (rows, what) => ['namespaces', 'landlock'].map((rung) => what(rows, rung)).join(' | ');
const proxies = (title, more = (row) => ratio(row)) => {
  const rows = rowsOf(title);
  const cells = inside(rows, (all, rung) => more(all[`inside sbox, ${rung}`], all.direct));
  const beside = named(rows, ['squid', 'tinyproxy', 'inside srt']);
  return `${cells} | ${beside}; sbox's proxy alone ${more(rows["sbox's proxy, client outside"], rows.direct)}`;
};
const steady = (title) => {
  const rows = rowsOf(title);
  return `${inside(rows, (all, rung) => all[`sbox, ${rung}`]?.ratio.toFixed(2) ?? '–')} | ${named(rows, ['bwrap', 'proot', 'srt'])}`;
};
const injected = (title) => {
  const rows = rowsOf(title);
  return inside(rows, (all, rung) =>
    over(all[`sbox, ${rung}, a credential injected`], all[`sbox, ${rung}, a plain tunnel`]),
  );
};
const commands = ['namespaces', 'landlock'].map((rung) => rowsOf(`library: \`true\` in one process, ${rung}`));
const day = machine.date.slice(0, 10);
const nodeMs = Math.round(start['node -e 0']?.medianMs ?? 0);

const table = [
  `| ${day}, ${machine.processors}, Linux ${machine.kernel.split('-')[0]}, Node ${machine.node}: time, as a ratio | sbox, namespaces | sbox, landlock | others |`,
  '|---|--:|--:|---|',
  `| a whole run of \`true\`, \`--net none\`, against \`node -e 0\` (${nodeMs} ms) | ${inside(start, (all, rung) => ratio(all[`sbox, ${rung}, --net none`]))} | ${named(start, ['bwrap', 'proot', 'crun', 'firejail', 'srt'])} |`,
  `| the same, \`--net limited\` | ${inside(start, (all, rung) => ratio(all[`sbox, ${rung}, --net limited`]))} | |`,
  `| \`git status\`, 20,000 files, inside against outside | ${steady('steady: git status')} |`,
  `| \`tsc\` | ${steady('steady: tsc')} |`,
  `| \`npm ci\` from a warm cache | ${steady('steady: npm ci')} |`,
  `| a command more in a sandbox of the library, over a plain spawn | ${commands.map((rows) => over(rows['box.exec'], rows['child_process.spawn'])).join(' | ')} | bwrap ${over(commands[0].bwrap, commands[0]['child_process.spawn'])} |`,
  `| 256 MiB over one connection, against direct | ${proxies('network: 256 MiB')} |`,
  `| 3,000 requests over one connection | ${proxies('network: 3,000 requests')} |`,
  `| 20,000 requests over 100 connections | ${proxies('network: 20,000 requests')} |`,
  `| a new connection up to the first byte, over direct | ${proxies('network: 500 connections', (row, direct) => over(row, direct, 500))} |`,
  `| a request with an injected credential, over a plain tunnel | ${injected('credentials: a request over')} | |`,
]
  // a case that was not run has no row
  .filter((line) => !/\| – \| – \|/.test(line))
  .join('\n');

const put = (file, marker, text) => {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const before = readFileSync(path, 'utf8');
  const [from, to] = [`<!-- ${marker} -->`, `<!-- /${marker} -->`].map((mark) => before.indexOf(mark));
  if (from < 0 || to < 0) throw new Error(`${file} has no place for ${marker}`);
  writeFileSync(path, `${before.slice(0, from)}<!-- ${marker} -->\n${text}\n${before.slice(to)}`);
};

put('../README.md', 'bench', table);
put('README.md', 'targets', renderTargets(targets).trim().split('\n').slice(2).join('\n'));
