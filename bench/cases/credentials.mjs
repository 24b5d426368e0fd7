import { execFile } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { plainEnv } from '../measure.mjs';
import { bundled, openListener } from '../network/ways.mjs';
import { makeFolder, sbox } from './material.mjs';

const run = promisify(execFile);
const warm = 'warm.bench.test';
const host = 'api.bench.test';

/** What it costs that TLS is ended and a secret injected, against the same requests through a plain tunnel of the same sandbox. */
export const credentials = async ({ material, rungs }) => {
  const folder = makeFolder(material.folder, 'credentials');
  const cwd = makeFolder(folder, 'client');
  // the launcher takes none from a folder that the command can write to
  const authority = join(folder, 'authority.pem');
  copyFileSync(fileURLToPath(new URL('../network/tls-client.mjs', import.meta.url)), join(cwd, 'client.mjs'));
  const server = await openListener([process.execPath, await bundled(folder, 'tls-server.ts'), authority, host, warm]);
  copyFileSync(authority, join(cwd, 'authority.pem'));
  const ways = rungs
    .filter((rung) => rung !== 'portable')
    .flatMap((rung) => [
      { name: `sbox, ${rung}, a plain tunnel`, argv: command(folder, rung, server.port, false) },
      { name: `sbox, ${rung}, a credential injected`, argv: command(folder, rung, server.port, true) },
    ]);
  const measured = openMeasured(ways, { cwd, authority });
  const group = (title, key) => ({
    title: `credentials: ${title}`,
    rounds: 5,
    budgetMs: 25_000,
    commands: ways.map(({ name }) => ({ name, own: true, sample: () => measured.sample(name, key) })),
  });
  return {
    groups: [
      group('a request over a connection that is open, its first byte (median of 500)', 'p50'),
      group('the same, the slowest of a hundred', 'p99'),
      group('the first request to a host, with its connection and certificate', 'first'),
      group('the first byte of a stream that goes on for 200 ms', 'event'),
    ],
    close: server.close,
  };
};

/** The client in a sandbox that may reach the server by both names, with or without a credential that is bound to them. */
const command = (folder, rung, port, bound) => {
  const key = 'sk-bench-0123456789abcdefghijklmnopqrstuvwxyz';
  const config = join(folder, `${bound ? 'bound' : 'plain'}.json`);
  const hosts = Object.fromEntries([warm, host].map((name) => [name, `127.0.0.1:${port}`]));
  const credential = {
    name: 'bench',
    sources: [{ env: 'BENCH_SECRET' }],
    env: 'BENCH_KEY',
    hosts: [warm, host],
    scheme: 'Bearer',
  };
  const document = {
    network: { allow: bound ? [] : [warm, host], hosts },
    ...(bound ? { credentials: [credential] } : { env: { set: { BENCH_KEY: key } } }),
  };
  writeFileSync(config, JSON.stringify(document));
  return {
    argv: sbox('--rung', rung, '--config', config, '--', process.execPath, 'client.mjs', host, warm),
    env: { BENCH_SECRET: key },
  };
};

/** One run of the client gives all four figures: each way runs once a round, for the first group, and the others take its samples over. */
const openMeasured = (ways, { cwd, authority }) => {
  const runs = new Map(ways.map(({ name, argv }) => [name, { ...argv, taken: {}, samples: [] }]));
  return {
    sample: async (name, key) => {
      const way = runs.get(name);
      const index = way.taken[key] ?? 0;
      way.taken[key] = index + 1;
      way.samples[index] ??= await measure(way, { cwd, authority });
      return { wallMs: way.samples[index][key] };
    },
  };
};

const measure = async ({ argv: [program, ...args], env }, { cwd, authority }) => {
  // the launcher verifies the server by the operator's own authorities
  const all = { ...plainEnv, ...env, NODE_EXTRA_CA_CERTS: authority };
  const { stdout } = await run(program, args, { env: all, cwd, timeout: 60_000, killSignal: 'SIGKILL' });
  return JSON.parse(stdout);
};
