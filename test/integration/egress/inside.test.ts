import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { readAccepted, readListeners } from '../../../src/egress/broker/shared-sockets.ts';
import { connectToOwn } from '../../../src/egress/inside.ts';

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A server that keeps what it is told, by connection. */
const aServer = async (host = '127.0.0.1') => {
  const said: string[] = [];
  const server = createServer((socket) => {
    const index = said.push('') - 1;
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      said[index] += bytes.toString();
    });
  });
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, said, server };
};

describe('the sockets of a network', () => {
  test('listeners are found at any address by their port', async () => {
    for (const host of ['127.0.0.1', '::1', '0.0.0.0', '127.0.0.2']) {
      const { port } = await aServer(host);
      expect(readListeners(port)).toHaveLength(1);
      expect(readListeners(port)[0]).toBeGreaterThan(0);
    }
  });

  test('none are found at a port where nobody listens', async () => {
    const { port, server } = await aServer();
    server.close();
    expect(readListeners(port)).toEqual([]);
  });

  test.each(['127.0.0.1', '::1', '::'])('a connection has a socket at its other end: server at %s', async (host) => {
    const { port } = await aServer(host);
    const [family, address] = host === '::1' ? ([6, '::1'] as const) : ([4, '127.0.0.1'] as const);
    const client = connect({ host: address, port });
    sockets.push(client);
    await once(client, 'connect');
    const [own, peer] = [port, client.localPort ?? 0].map((end) => ({ family, address, port: end })) as [never, never];
    expect(readAccepted(own, peer)).toBeGreaterThan(0);
    const elsewhere = { family, address, port: 1 };
    expect(readAccepted(own, elsewhere)).toBeUndefined(); // the listener alone
    expect(readAccepted(elsewhere, peer)).toBeUndefined();
  });
});

describe('a connection to a server inside', () => {
  const to = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;
  const accepted = async (...ends: Parameters<typeof readAccepted>) => readAccepted(...ends) !== undefined;

  test('is given where all that listens is the own, and the other end is at its port', async () => {
    const { port } = await aServer();
    const socket = await connectToOwn({ listensInside: async () => true, hasAccepted: accepted })(to(port));
    expect(socket?.remotePort).toBe(port);
    socket?.destroy();
  });

  test('is not tried where somebody else listens', async () => {
    const { port, said } = await aServer();
    expect(await connectToOwn({ listensInside: async () => false, hasAccepted: accepted })(to(port))).toBeUndefined();
    expect(said).toEqual([]);
  });

  test('is ended unused where it has not come to the own server', async () => {
    const { port, said } = await aServer();
    const hasAccepted = async () => false; // as somebody else listens there by now
    expect(await connectToOwn({ listensInside: async () => true, hasAccepted })(to(port))).toBeUndefined();
    expect(said).toEqual(['']);
  });

  test('is ended unused where it was led to another port', async () => {
    const { port, said } = await aServer();
    // a translation of addresses, as Docker's for its name server: the other end is not where it was meant to be
    const hasAccepted: typeof accepted = (own, peer) => accepted({ ...own, port: own.port ^ 1 }, peer);
    expect(await connectToOwn({ listensInside: async () => true, hasAccepted })(to(port))).toBeUndefined();
    expect(said).toEqual(['']);
  });
});
