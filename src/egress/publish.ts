import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SboxError } from '../domain/errors.ts';
import type { PublishedPort } from '../domain/network.ts';
import { join } from './proxy/join.ts';

/** Gives a connection to a port inside; undefined if nobody listens there. */
export type ConnectInside = (port: number) => Promise<Socket | undefined>;

/** Ports of the host that lead to ports inside. */
export interface Published extends AsyncDisposable {
  /** host ports as they were opened, in the order of the request */
  readonly ports: readonly number[];
  /** from now on connections are served; until then they wait */
  readonly serve: (connect: ConnectInside) => void;
}

/** Listens at the host's side. Throws SBOX_E_NETWORK if a port can't be had. */
export const openPublished = async (ports: readonly PublishedPort[]): Promise<Published> => {
  let serve = (_connect: ConnectInside): void => {};
  const ready = new Promise<ConnectInside>((resolve) => {
    serve = resolve;
  });
  const clients = new Set<Socket>();
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    for (const client of clients) client.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  };
  try {
    for (const published of ports) {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
        clients.add(client);
        client.on('error', () => {}).once('close', () => clients.delete(client));
        void ready.then((connect) => lead(client, published.port, connect));
      });
      servers.push(await listen(server, published));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    serve: (connect) => serve(connect),
    [Symbol.asyncDispose]: close,
  };
};

const lead = async (client: Socket, port: number, connect: ConnectInside): Promise<void> => {
  const inside = await connect(port).catch(() => undefined);
  if (inside === undefined || client.destroyed) {
    inside?.destroy();
    client.destroy();
    return;
  }
  inside.on('error', () => {});
  join(client, inside);
};

const listen = (server: Server, { host = '127.0.0.1', hostPort }: PublishedPort): Promise<Server> =>
  new Promise((resolve, reject) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      reject(
        new SboxError({
          code: 'SBOX_E_NETWORK_MODE',
          message: `cannot publish port ${hostPort} of ${host}: ${code ?? message}`,
          cause: code === 'EADDRINUSE' ? 'another program listens there' : 'the host refuses it',
          fix: 'choose another one: --publish HOSTPORT:PORT',
        }),
      ),
    );
    server.listen({ host, port: hostPort }, () => resolve(server));
  });
