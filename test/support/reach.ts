import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach } from 'vitest';
import { fixture } from './compile.ts';
import { aGreeter, readAll } from './loopback.ts';
import { type Ended, runOutside, runSbox, type Workspace } from './sbox.ts';

/** Rungs on which a kernel keeps the network away. */
export const kernelRungs = ['namespaces', 'landlock'] as const;

/** Addresses of this machine at which a test's server is reached, by servers of their own: loopback, and one of the machine's. */
export const ownAddresses = (): readonly string[] => {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  return ['127.0.0.1', '127.0.0.2', '::1', ...(own ? [own.address] : [])];
};

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

/** A UDP socket that counts what comes. */
export const aDatagramServer = async (address: string, port = 0) => {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  open.push(socket);
  let count = 0;
  socket.on('message', () => count++);
  socket.bind(port, address);
  await once(socket, 'listening');
  return { port: socket.address().port, datagrams: () => count };
};

export interface Greeter {
  readonly address: string;
  readonly port: number;
  /** connections so far, without this test's own: also those that wait to be accepted */
  readonly seen: () => Promise<number>;
}

/** A TCP server at an address that greets with "hello". */
export const aCountingGreeter = async (address = '127.0.0.1'): Promise<Greeter> => {
  const { port, connections } = await aGreeter('hello', { address });
  let own = 0;
  const seen = async (): Promise<number> => {
    own++;
    // connections are accepted in their order: what came before this one has been counted when it is greeted
    await readAll(connect(port, address));
    return connections() - own;
  };
  return { address, port, seen };
};

/** One at each address. */
export const greeters = async (addresses: readonly string[]) => {
  const servers = await Promise.all(addresses.map(aCountingGreeter));
  const seen = async () => (await Promise.all(servers.map((server) => server.seen()))).reduce((sum, n) => sum + n, 0);
  return { servers, seen };
};

export interface Attempt {
  readonly way: string;
  readonly address: string;
  readonly port: number;
}

const argvOf = (attempts: readonly Attempt[]): string[] => [
  '/usr/bin/python3',
  '-c',
  `exec(open(0).read())`,
  ...attempts.map(({ way, address, port }) => `${way} ${address} ${port}`),
];

/** Given by standard input: a file of the tests is not visible inside. */
const readProgram = (): string => readFileSync(fixture('escape/reach.py'), 'utf8');

/** What became of attempts: `way address` to `ok` or an error's name. */
export type Outcomes = Readonly<Record<string, string>>;

const outcomesOf = ({ stdout, stderr, status }: Ended, attempts: readonly Attempt[]): Outcomes => {
  const lines = stdout.trim().split('\n');
  if (status !== 0 || lines.length !== attempts.length)
    throw new Error(`the attempts ended with ${status}: ${stdout}\n${stderr}`);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]),
  );
};

export const reachOutside = async (
  attempts: readonly Attempt[],
  workspace: Workspace,
  prefix: readonly string[] = [],
) => outcomesOf(await runOutside([...prefix, ...argvOf(attempts)], { ...workspace, stdin: readProgram() }), attempts);

export const reachInside = async (
  attempts: readonly Attempt[],
  workspace: Workspace,
  flags: readonly string[],
): Promise<Outcomes> =>
  outcomesOf(
    await runSbox(['run', '-q', ...flags, '--', ...argvOf(attempts)], { ...workspace, stdin: readProgram() }),
    attempts,
  );
