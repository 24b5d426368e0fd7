import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { plainEnv } from '../measure.mjs';
import { openListener, waysOf } from '../network/ways.mjs';
import { makeFolder } from './material.mjs';

const run = promisify(execFile);

/** What a way out costs, against a direct connection on loopback; server, way and client are processes of their own. */
export const network = async ({ material, rungs, most }) => {
  const folder = makeFolder(material.folder, 'network');
  const server = await openListener([
    process.execPath,
    fileURLToPath(new URL('../network/server.mjs', import.meta.url)),
  ]);
  const opened = [];
  for (const way of waysOf({ folder, rungs })) {
    const lane = await way.open(server.port).catch((error) => ({ problem: error }));
    opened.push({ ...way, ...lane });
  }
  const group = (title, work, amount, rounds) => ({
    title: `network: ${title}`,
    rounds,
    budgetMs: 20_000,
    commands: opened.map((way) => ({
      name: way.name,
      own: way.own,
      sample: () => sample(way, work, amount, server.port),
    })),
  });
  return {
    groups: [
      group('256 MiB over one connection', 'bulk', 256, 5),
      group('3,000 requests, one after the other, over one connection', 'requests', 3000, 5),
      group('20,000 requests over 100 connections at once', 'load', 100, 5),
      group('500 connections, one after the other, each up to the first byte', 'connections', 500, 5),
      ...[1, 10, 100, 1000]
        .filter((count) => count <= most * 10)
        .map((count) =>
          group(
            `${count.toLocaleString('en')} at once of 200 or more connections, 10 requests on each`,
            'concurrent',
            count,
            5,
          ),
        ),
      tunnels(opened, Math.min(1000, most * 10), server.port),
    ],
    close: async () => {
      for (const { close } of opened) await close?.();
      await server.close();
    },
  };
};

/** Many tunnels that are busy at the same time: no byte may be lost, and the launcher's memory has a bound. */
const tunnels = (opened, count, port) => ({
  title: `network: ${count.toLocaleString('en')} tunnels at once, a MiB through each both ways at the same time`,
  rounds: 3,
  budgetMs: 60_000,
  commands: opened
    .filter(({ name, own }) => own || name === 'direct')
    .map((way) => ({ name: way.name, own: way.own, sample: () => weighed(way, count, port) })),
});

/** As above, and how much memory the first process of the way needed at most: sbox, where it is inside. */
const weighed = async ({ argv, rest, cwd, problem }, count, port) => {
  if (problem !== undefined) throw problem;
  const [program, ...args] = [...argv, 'tunnels', String(count), String(port), ...rest];
  const child = spawn(program, args, { env: plainEnv, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), 90_000);
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const ended = once(child, 'close');
  const [line] = await Promise.race([once(child.stdout, 'data'), ended.then(() => [undefined])]);
  const peakKb = Number(/VmHWM:\s*(\d+)/.exec(line && readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1]);
  child.stdin.end();
  const [code] = await ended;
  clearTimeout(timer);
  if (code !== 0 || line === undefined) throw new Error(`${program} ended with ${code}: ${said}`);
  return { wallMs: Number(line), peakKb };
};

/** The client's own measure: without the start of its process. */
const sample = async ({ argv, rest, cwd, problem }, work, amount, port) => {
  if (problem !== undefined) throw problem;
  const [program, ...args] = [...argv, work, String(amount), String(port), ...rest];
  const { stdout } = await run(program, args, { env: plainEnv, cwd, timeout: 60_000, killSignal: 'SIGKILL' });
  return { wallMs: Number(stdout) };
};
