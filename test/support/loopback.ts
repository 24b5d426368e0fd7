import { createServer, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server on a loopback address at a free port, or at `port`; closed with its connections after the test. */
export const aServer = async (
  onConnection: (socket: Socket) => void,
  { address = '127.0.0.1', port = 0 }: { readonly address?: string; readonly port?: number } = {},
): Promise<{ readonly port: number; readonly connections: () => number }> => {
  const sockets = new Set<Socket>();
  let count = 0;
  const server: Server = createServer((socket) => {
    count++;
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port');
  return { port: bound.port, connections: () => count };
};

/** A server that greets with a word and ends. */
export const aGreeter = (word: string, place: { readonly address?: string; readonly port?: number } = {}) =>
  aServer((socket) => socket.end(word), place);

/** Everything that a socket gives until it ends. */
export const readAll = async (socket: Socket): Promise<string> => {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
};

/** A port where nobody listens. */
export const aClosedPort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
