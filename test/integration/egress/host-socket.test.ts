import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openHostSocket, pourInto } from '../../../src/egress/host-socket.ts';
import { join } from '../../../src/egress/proxy/join.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const serve = async (onConnection: (socket: Socket) => void): Promise<number> => {
  const server = createServer({ allowHalfOpen: true }, onConnection);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
};

const sha256 = (parts: readonly Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

test('what comes before anybody pours is read first, and what is read as a stream is a copy', async () => {
  const content = randomBytes(3 << 20);
  const port = await serve((socket) => socket.end(content));
  const socket = openHostSocket('127.0.0.1', port);
  const read: Buffer[] = [];
  socket.on('data', (bytes) => {
    read.push(bytes); // kept: were they not its own, the next read would change them
    if (read.length === 3) pourInto(socket, (more) => read.push(Buffer.from(more)) > 0);
  });
  await once(socket, 'end');
  socket.end();
  expect(sha256(read)).toBe(sha256([content]));
});

test('bytes that a slow reader leaves behind are not written over, and none is lost', async () => {
  const content = randomBytes(24 << 20);
  const host = await serve((socket) => socket.end(content));
  const front = await serve((client) => {
    client.on('error', () => {});
    join(client, openHostSocket('127.0.0.1', host));
  });
  const client = openHostSocket('127.0.0.1', front);
  const read: Buffer[] = [];
  client.on('data', (bytes) => {
    read.push(bytes);
    client.pause();
    // so rarely that all queues on the way fill up
    setTimeout(() => client.resume(), read.length % 40 === 0 ? 5 : 0);
  });
  await once(client, 'end');
  client.end();
  expect(read.reduce((sum, { length }) => sum + length, 0)).toBe(content.length);
  expect(sha256(read)).toBe(sha256([content]));
});

test('a long download is read in larger parts, and a short one is not', async () => {
  const port = await serve((socket) => socket.end(Buffer.alloc(4 << 20)));
  const socket = openHostSocket('127.0.0.1', port);
  const sizes: number[] = [];
  pourInto(socket, ({ length }) => {
    sizes.push(length);
    setTimeout(() => socket.resume(), 2); // meanwhile more has come than fits
    return false;
  });
  socket.resume();
  await once(socket, 'end');
  socket.end();
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(4 << 20);
  expect(Math.max(...sizes.slice(0, 16))).toBe(64 << 10);
  expect(Math.max(...sizes)).toBeGreaterThan(64 << 10);
});
