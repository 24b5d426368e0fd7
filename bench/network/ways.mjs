import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sbox } from '../cases/material.mjs';
import { findProgram, plainEnv } from '../measure.mjs';
import { srtScript, writeSettings } from '../peers.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const client = [process.execPath, here('client.mjs')];

/**
 * The ways from the client to the server. `open(port)` starts what lies between, and gives the client's command, the arguments that follow the port
 * and `close`; a way that can't be opened is left out. Add one here.
 */
export const waysOf = ({ folder, rungs }) => [
  { name: 'direct', open: async () => ({ argv: client, rest: [] }) },
  { name: 'tinyproxy', open: (port) => openTinyproxy(folder, port) },
  { name: 'squid', open: (port) => openSquid(folder, port) },
  { name: "sbox's proxy, client outside", own: true, open: (port) => openSboxProxy(folder, port) },
  ...rungs
    .filter((rung) => rung !== 'portable')
    .map((rung) => ({ name: `inside sbox, ${rung}`, own: true, open: (port) => openInside(folder, rung, port) })),
  { name: 'inside srt', open: async () => openSrt(folder) },
];

/** A program that writes a line with its port, and ends with its input. */
export const openListener = async (argv) => {
  const child = spawn(argv[0], argv.slice(1), { env: plainEnv, stdio: ['pipe', 'pipe', 'inherit'] });
  const port = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([line]) => Number(line)),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`${argv.join(' ')} ended with ${code}`))),
  ]);
  return { port, close: () => end(child) };
};

/** A program of this folder that uses sbox's sources, as a file that Node runs. */
export const bundled = async (folder, name) => {
  const { build } = await import('esbuild');
  const outfile = join(folder, `${name}.mjs`);
  const options = { bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' };
  await build({ entryPoints: [here(name)], outfile, ...options });
  return outfile;
};

const openSboxProxy = async (folder, port) => {
  const interpreter = fileURLToPath(new URL(`../../dist/interpreter-${process.arch}`, import.meta.url));
  const program = await bundled(folder, 'sbox-proxy.ts');
  const listener = await openListener([process.execPath, program, String(port), interpreter]);
  return { argv: client, rest: [`http://sbox:bench@127.0.0.1:${listener.port}`], close: listener.close };
};

/** A folder with the client alone. */
const makeClient = (folder) => {
  const cwd = join(folder, 'client');
  mkdirSync(cwd, { recursive: true });
  copyFileSync(here('client.mjs'), join(cwd, 'client.mjs'));
  return cwd;
};

/** The same client in the sandbox: with the proxy that it is told of, and all that lies before it. */
const openInside = async (folder, rung, port) => {
  const cwd = makeClient(folder);
  const options = ['--rung', rung, '--net', 'limited', '--allow', `localhost:${port}`];
  return { argv: sbox(...options, '--', process.execPath, 'client.mjs'), rest: ['env'], cwd };
};

const openSrt = (folder) => {
  const missing = ['bwrap', 'socat', 'rg'].some((name) => findProgram(name) === undefined);
  if (missing || !existsSync(srtScript)) throw new Error('not installed');
  const argv = [process.execPath, srtScript, '--settings', writeSettings(folder, 'localhost')];
  return { argv: [...argv, process.execPath, 'client.mjs'], rest: ['env'], cwd: makeClient(folder) };
};

const openTinyproxy = async (folder, port) => {
  const own = await freePort();
  const lines = [
    `Port ${own}`,
    'Listen 127.0.0.1',
    'MaxClients 2000',
    `ConnectPort ${port}`,
    'LogLevel Critical',
    'Timeout 60',
  ];
  return openDaemon(folder, 'tinyproxy', own, lines, (file) => ['-d', '-c', file]);
};

const openSquid = async (folder, port) => {
  const own = await freePort();
  const lines = [
    `http_port 127.0.0.1:${own}`,
    ...[
      `acl target port ${port}`,
      'http_access allow target',
      'cache deny all',
      'access_log none',
      'cache_log /dev/null',
    ],
    ...[
      'cache_store_log none',
      'pid_filename none',
      `coredump_dir ${folder}`,
      'shutdown_lifetime 0 seconds',
      'max_filedescriptors 8192',
    ],
  ];
  return openDaemon(folder, 'squid', own, lines, (file) => ['-N', '-f', file]);
};

const openDaemon = async (folder, name, port, lines, options) => {
  const program = findProgram(name);
  if (program === undefined) throw new Error('not installed');
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = spawn(program, options(file), { env: plainEnv, stdio: 'ignore' });
  process.once('exit', () => child.kill('SIGKILL')); // unlike the listeners it has no input whose end it would see
  try {
    await untilListening(port, child);
  } catch (error) {
    await end(child);
    throw error;
  }
  return { argv: client, rest: [`127.0.0.1:${port}`], close: () => end(child) };
};

const untilListening = async (port, child) => {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const socket = connect({ host: '127.0.0.1', port });
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
  throw new Error('it does not listen');
};

const end = async (child) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
  await ended;
  clearTimeout(timer);
};

const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
};
