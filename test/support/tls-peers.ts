import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { openInjection } from '../../src/credentials/injection.ts';
import { parsePlaceholder } from '../../src/credentials/placeholder.ts';
import type { TokenStore } from '../../src/credentials/token-store.ts';
import { type Binding, type CredentialUse, Secret } from '../../src/domain/credential.ts';
import type { Decision, EgressEvent } from '../../src/domain/decision.ts';
import { openAuthority } from '../../src/egress/tls/authority.ts';
import { openInterceptor } from '../../src/egress/tls/interceptor.ts';

export const host = 'api.test';
export const secretText = 'sk-ant-api03-Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0-Ke_uTsAaWq';

/** A binding of a secret to `api.test:443`, with a new placeholder. */
export const aBinding = (use: Partial<CredentialUse> = {}, secret = secretText): Binding => {
  const placeholder = parsePlaceholder(secret);
  if ('problem' in placeholder) throw new Error(placeholder.problem);
  const placements: CredentialUse['placements'] = [
    { kind: 'header', header: 'x-api-key' },
    { kind: 'header', header: 'authorization', scheme: 'Bearer' },
    { kind: 'basic' },
    { kind: 'query', name: 'key' },
  ];
  const uses = [{ hosts: [host], placements, ...use }];
  return { provider: 'test', secret: new Secret(secret), placeholder: placeholder.value, uses };
};

/** A real host on loopback, and an interceptor before it that takes what a proxy would hand over. */
export interface Peers extends AsyncDisposable {
  readonly placeholder: string;
  /** where the interceptor listens */
  readonly port: number;
  /** a tunnel to the same server without an interceptor */
  readonly plainPort: number;
  /** what clients inside trust, and what they would need for the real host */
  readonly ca: string;
  readonly realCa: string;
  readonly events: readonly EgressEvent[];
  /** heads of the requests that the real host got */
  readonly received: readonly IncomingMessage[];
  readonly connections: () => number;
  /** a TLS connection as a client inside makes it */
  readonly connect: (options?: { readonly servername?: string; readonly alpn?: string[] }) => Promise<TLSSocket>;
}

export interface PeerOptions {
  readonly bindings?: readonly Binding[];
  readonly tokens?: readonly TokenStore[];
  /** names that the real host's certificate is for */
  readonly certified?: string;
  readonly trustsReal?: boolean;
  /** the system's list, given the certificate of the real host's authority */
  readonly systemCa?: (real: string) => string;
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket, first: Buffer) => void;
  /** another destination than `api.test:443` */
  readonly destination?: { readonly host: string; readonly port: number };
  readonly dial?: () => Promise<never>;
}

export const openPeers = async (listener: RequestListener, options: PeerOptions = {}): Promise<Peers> => {
  const bindings = options.bindings ?? [aBinding()];
  const destination = options.destination ?? { host, port: 443 };
  const real = openAuthority({ hosts: [options.certified ?? host, 'test'] });
  const received: IncomingMessage[] = [];
  const events: EgressEvent[] = [];
  let connections = 0;
  const server = createTlsServer({
    SNICallback: (_, done) => done(null, real.contextFor(options.certified ?? host)),
  });
  server.on('request', (request, response) => {
    received.push(request);
    listener(request, response);
  });
  server.on('checkContinue', (request, response) => {
    received.push(request);
    listener(request, response);
  });
  if (options.onUpgrade !== undefined) server.on('upgrade', options.onUpgrade);
  server.on('secureConnection', (socket) => {
    connections++;
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  const realPort = await listen(server);
  const injection = openInjection({ bindings, tokens: options.tokens ?? [] });
  const authority = openAuthority({ hosts: [...injection.hosts, 'test'] });
  const upstreamCa = options.trustsReal === false || options.systemCa ? undefined : [real.certificatePem];
  const systemCa = () => options.systemCa?.(real.certificatePem) ?? '';
  const interceptor = openInterceptor({ injection, authority, systemCa, ...(upstreamCa && { upstreamCa }) });
  const decision: Decision = { verdict: 'allow', reason: 'allowed', ...destination, protocol: 'connect', sentence: '' };
  const dial =
    options.dial ??
    (async () => {
      // as src/egress/connect.ts makes them
      const socket = connect({ port: realPort, host: '127.0.0.1', allowHalfOpen: true });
      await new Promise((resolve) => socket.once('connect', resolve));
      return { kind: 'connected', decision, socket } as const;
    });
  const door = createServer((client) => {
    client.on('error', () => {});
    client.once('data', (hello) => {
      client.pause();
      client.unshift(hello);
      interceptor.accept({ client, ...destination, decision, dial, onEvent: (event) => void events.push(event) });
    });
  });
  const port = await listen(door);
  const tunnel = createServer((client) => {
    const upstream = connect(realPort, '127.0.0.1').setNoDelay(true);
    client.setNoDelay(true).on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  const plainPort = await listen(tunnel);
  return {
    placeholder: bindings[0]?.placeholder ?? '',
    ...{ port, plainPort, events, received },
    ca: authority.certificatePem,
    realCa: real.certificatePem,
    connections: () => connections,
    connect: ({ servername = destination.host, alpn = ['http/1.1'] } = {}) =>
      new Promise((resolve, reject) => {
        const socket = connectTls({
          ...{ port, host: '127.0.0.1', servername, ca: authority.certificatePem, ALPNProtocols: alpn },
        });
        socket.once('secureConnect', () => resolve(socket)).once('error', reject);
      }),
    [Symbol.asyncDispose]: async () => {
      interceptor[Symbol.dispose]();
      server.closeAllConnections();
      await Promise.all([server, door, tunnel].map((each) => new Promise((resolve) => each.close(resolve))));
    },
  };
};

const listen = (server: Server | ReturnType<typeof createTlsServer>): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
