import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { EgressEvent } from '../../src/domain/decision.ts';
import type { Destination, Dialled } from '../../src/egress/egress.ts';
import { type EgressProxy, openProxy, type ProxyOptions } from '../../src/egress/proxy/proxy.ts';
import { type Reachable, type StandInEgress, standInEgress } from './stand-in-egress.ts';

export interface TestProxy extends AsyncDisposable {
  readonly proxy: EgressProxy;
  readonly egress: StandInEgress;
  readonly events: readonly EgressEvent[];
  /** a connection of the sandbox, announced as the broker does it */
  readonly connectTo: (destination: Destination) => Promise<Socket>;
  /** waits until an event was told that fits */
  readonly event: (fits: (event: EgressEvent) => boolean) => Promise<EgressEvent>;
}

export const viaProxy: Destination = { kind: 'proxy' };
export const straightTo = (host: string, port: number, dialled?: Dialled): Destination => ({
  kind: 'transparent',
  host,
  port,
  ...(dialled && { dialling: Promise.resolve(dialled) }),
});

export const openTestProxy = async (reachable: Reachable, options: Partial<ProxyOptions> = {}): Promise<TestProxy> => {
  const events: EgressEvent[] = [];
  const waiting = new Set<() => void>();
  const onEvent = (event: EgressEvent): void => {
    events.push(event);
    for (const look of waiting) look();
  };
  const egress = standInEgress(reachable);
  const proxy = await openProxy({ egress, onEvent, ...options });
  return {
    proxy,
    egress,
    events,
    connectTo: async (destination) => {
      const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => {});
      await once(socket, 'connect');
      proxy.expect(socket.localPort ?? 0, destination);
      return socket;
    },
    event: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = events.find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    [Symbol.asyncDispose]: proxy.close,
  };
};

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** every connection so far */
  readonly sockets: readonly Socket[];
}

/** A server on loopback that keeps both halves of a connection apart. */
export const openServer = (serve: (socket: Socket) => void): Promise<TestServer> =>
  listening(createServer({ allowHalfOpen: true }, serve));

export const listening = async (server: Server): Promise<TestServer> => {
  const sockets: Socket[] = [];
  server.prependListener('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

export const openEcho = (): Promise<TestServer> => openServer((socket) => void socket.pipe(socket));

/** All that comes until the other side ends or breaks the connection. */
export const readAll = (socket: Socket): Promise<Buffer> =>
  new Promise((resolve) => {
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    const finish = (): void => resolve(Buffer.concat(parts));
    socket.once('end', finish).once('close', finish).resume();
  });

/** What comes until the end of some text; the socket is paused then, and keeps what follows. Ends short if the connection does. */
export const readUntil = (socket: Socket, text: string): Promise<string> =>
  new Promise((resolve) => {
    let read = '';
    const finish = (): void => {
      socket.off('data', add).off('end', finish).off('close', finish).pause();
      resolve(read);
    };
    const add = (part: Buffer): void => {
      read += part.toString('latin1');
      const at = read.indexOf(text);
      if (at < 0) return;
      const rest = read.slice(at + text.length);
      read = read.slice(0, at + text.length);
      finish();
      if (rest !== '') socket.unshift(Buffer.from(rest, 'latin1'));
    };
    socket.on('data', add).once('end', finish).once('close', finish).resume();
  });

/** Sends something, and gives all that comes back until the end. */
export const converse = async (socket: Socket, text: string | Buffer): Promise<string> => {
  const answer = readAll(socket);
  socket.write(text);
  const bytes = await answer;
  socket.destroy();
  return bytes.toString('latin1');
};
