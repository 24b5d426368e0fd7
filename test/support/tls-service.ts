import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { makeKeyPair, renderAuthority, renderLeaf, renderPem } from '../../src/egress/tls/certificate.ts';

/** One request as it arrived, before anybody has understood it. */
export interface Arrived {
  /** the name that the client's handshake asked for; absent without TLS */
  readonly servername?: string;
  readonly text: string;
}

/** A server on loopback that stands for named ones: by TLS, with an authority of its own, and by plain HTTP on the same port. */
export interface TlsService extends AsyncDisposable {
  readonly port: number;
  /** what has to vouch for it */
  readonly certificatePem: string;
  /** requests, each cut where the next begins, in the order of their connections */
  readonly arrived: () => readonly Arrived[];
}

export type ServiceListener = (request: IncomingMessage, response: ServerResponse) => void;

export interface TlsServiceOptions {
  readonly names: readonly string[];
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket) => void;
}

export const openTlsService = async (
  { names, onUpgrade }: TlsServiceOptions,
  listener: ServiceListener,
): Promise<TlsService> => {
  const { certificatePem, identityFor } = makeIdentities(names);
  const connections: { servername?: string; text: string }[] = [];
  const secure = createSecureServer({
    allowHTTP1: true,
    // whoever asks for another name, or for none, gets some certificate
    ...identityFor(names[0]),
    SNICallback: (name, done) => done(null, createSecureContext(identityFor(names.includes(name) ? name : names[0]))),
  });
  const plain = createPlainServer({ insecureHTTPParser: true });
  for (const server of [secure, plain]) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.httpVersionMajor === 2) {
        const arrived = describe2(request);
        connections.push(arrived);
        request.on('data', (bytes: Buffer) => {
          arrived.text += bytes.toString('latin1');
        });
      }
      listener(request, response);
    });
    if (onUpgrade !== undefined) server.on('upgrade', onUpgrade);
    server.on('clientError', (_error: Error, socket: Socket) => socket.destroy());
  }
  const record = (socket: Socket & { servername?: string | false }): void => {
    const connection = { ...(socket.servername && { servername: socket.servername }), text: '' };
    connections.push(connection);
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      connection.text += bytes.toString('latin1');
    });
  };
  secure.on('secureConnection', (socket) => socket.alpnProtocol !== 'h2' && record(socket));
  plain.on('connection', record);
  const sockets = new Set<Socket>();
  const door = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', (first) => {
      socket.pause();
      socket.unshift(first);
      // a TLS record of a handshake begins so (RFC 8446, 5.1)
      (first[0] === 0x16 ? secure : plain).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  return {
    port: (door.address() as AddressInfo).port,
    certificatePem,
    arrived: () => connections.flatMap(splitRequests),
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => door.close(() => resolve()));
    },
  };
};

/** An authority, and what a server of a name presents. */
export const makeIdentities = (names: readonly string[]) => {
  const issuer = { name: 'authority of a test', keys: makeKeyPair() };
  const validity = { fromMs: Date.now() - 86_400_000, untilMs: Date.now() + 86_400_000 };
  const { publicKey, privateKey } = makeKeyPair();
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    certificatePem: renderPem(renderAuthority(issuer.name, issuer.keys, names, validity)),
    identityFor: (name = '') => ({ key, cert: renderPem(renderLeaf(name, publicKey, issuer, validity)) }),
  };
};

const describe2 = ({ method, url, headers }: IncomingMessage): { servername: string; text: string } => ({
  servername: 'over HTTP/2',
  text: `${method} ${url} HTTP/2\r\n${JSON.stringify(headers)}`,
});

const splitRequests = ({ text, ...rest }: Arrived): Arrived[] =>
  text
    .split(/(?=(?:GET|POST|PUT|HEAD|TRACE|OPTIONS|CONNECT|PROPFIND) \S+ HTTP\/[12])/)
    .filter((part) => part !== '')
    .map((part) => ({ ...rest, text: part }));
