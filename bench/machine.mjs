import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { plainEnv } from './measure.mjs';

const outputOf = (argv) => {
  const { stdout, stderr, status } = spawnSync(argv[0], argv.slice(1), { env: plainEnv, encoding: 'utf8' });
  return status === 0 ? `${stdout}${stderr}`.trim() : undefined;
};

/** proot draws its name around it */
const versionIn = (text) => /\d+\.\d+(?:\.\d+)?/.exec(text ?? '')?.[0] ?? 'unknown';

/** What the figures were taken on. */
export const describeMachine = (peers) => ({
  date: new Date().toISOString().slice(0, 16),
  kernel: release(),
  processors: `${cpus().length} x ${cpus()[0]?.model}`,
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  uid: process.getuid(),
  node: process.version,
  sbox: sboxVersion(),
  peers: Object.fromEntries(peers.map(({ name, version }) => [name, versionIn(outputOf(version))])),
  load: loadavg()[0],
});

const sboxVersion = () => {
  const commit = outputOf(['git', '-C', new URL('..', import.meta.url).pathname, 'describe', '--always', '--dirty']);
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return commit === undefined ? version : `${version} (${commit})`;
};

/** A word of warning if something else keeps this machine busy; the average of a minute tells late, so processes that run now count too. */
export const warnOfLoad = () => {
  const [minute] = loadavg();
  const running = Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[3].split('/')[0]) - 1;
  if (Math.max(minute, running) < cpus().length / 4) return undefined;
  return `this machine is busy (load ${minute.toFixed(2)}, ${running} processes running now): ratios hold better than milliseconds`;
};
