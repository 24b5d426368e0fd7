import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { openAuthority } from '../../src/egress/tls/authority.ts';

/** Servers on loopback that stand for named ones by TLS, and hand what they decrypt to plain ones. */
export interface TlsFront extends AsyncDisposable {
  /** name to `address:port`, as `network.hosts` takes it */
  readonly hosts: Readonly<Record<string, string>>;
  /** what has to vouch for them */
  readonly certificatePem: string;
}

/** Puts TLS before the plain servers of these names: name to port. */
export const openTlsFront = async (ports: Readonly<Record<string, number>>): Promise<TlsFront> => {
  const authority = openAuthority({ hosts: Object.keys(ports) });
  const sockets = new Set<Socket>();
  const opening = Object.entries(ports).map(async ([name, port]) => {
    const server = createServer({ SNICallback: (_, done) => done(null, authority.contextFor(name)) }, (inside) => {
      const outside = connect(port, '127.0.0.1');
      for (const socket of [inside, outside]) {
        sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => sockets.delete(socket));
      }
      inside.pipe(outside).pipe(inside);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { name, server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
  });
  const opened = await Promise.all(opening);
  return {
    hosts: Object.fromEntries(opened.map(({ name, address }) => [name, address])),
    certificatePem: authority.certificatePem,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(opened.map(({ server }) => new Promise((resolve) => server.close(resolve))));
    },
  };
};
