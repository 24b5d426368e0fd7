import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SboxError } from '../../domain/errors.ts';
import type { Destination } from '../egress.ts';
import { openSplicer, type SplicerOptions } from '../splice/splicer.ts';
import { openAdmission } from './admission.ts';
import { serveConnect } from './connect.ts';
import { gather } from './gather.ts';
import { openHttp } from './http.ts';
import { join } from './join.ts';
import { defaultLimits, ignoreError, type ProxyLimits, type Served } from './served.ts';
import { serveSocks5 } from './socks5.ts';
import { openToken } from './token.ts';
import { serveTransparent } from './transparent.ts';
import { orCut } from './tunnel.ts';

export interface ProxyOptions
  extends Pick<Served, 'egress' | 'onEvent'>,
    Partial<Pick<Served, 'interceptor' | 'answerDns'>> {
  /** opens the proxy to clients that nobody announced */
  readonly token?: string;
  readonly limits?: Partial<ProxyLimits>;
  /** what busy tunnels may go through, instead of this process */
  readonly splicing?: SplicerOptions;
}

/** One sandbox's way out on a port of loopback. */
export interface EgressProxy {
  readonly port: number;
  /** how many clients are connected */
  readonly connections: number;
  /** tells what a connection from a port of loopback is for, before or after it arrives */
  readonly expect: (sourcePort: number, destination: Destination) => void;
  /** ends every connection */
  readonly close: () => Promise<void>;
}

/**
 * Opens a proxy that knows HTTP, CONNECT, SOCKS5 and clients that know no proxy. It serves connections that `expect` announced, and with
 * a token also those that present it; whoever else connects is closed without an answer. Errors: SBOX_E_SETUP.
 */
export const openProxy = async (options: ProxyOptions): Promise<EgressProxy> => {
  const { interceptor, answerDns, egress, onEvent } = options;
  const token = options.token === undefined ? undefined : await openToken(options.token);
  const limits = { ...defaultLimits, ...options.limits };
  const splicer = options.splicing && openSplicer(options.splicing);
  const served: Served = { egress, onEvent, interceptor, answerDns, token, limits, splicer };
  const clients = new Set<Socket>();
  const serve = openServing(served);
  const admission = openAdmission(limits, serve.destination);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    clients.add(client);
    client.on('error', ignoreError).once('close', () => clients.delete(client));
    const destination = admission.take(client);
    if (destination !== undefined) return serve.destination(client, destination);
    if (token === undefined) return admission.wait(client);
    serve.proxyClient(client, false);
  });
  const port = await listen(server);
  return {
    port,
    get connections() {
      return clients.size;
    },
    expect: admission.expect,
    close: async () => {
      await splicer?.close();
      const ends = [...clients].map((client) => new Promise((resolve) => client.once('close', resolve)));
      ends.push(new Promise((resolve) => server.close(resolve)));
      for (const client of clients) client.destroy();
      serve.close();
      await Promise.all(ends);
    },
  };
};

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const cause = error.code ?? error.message;
      reject(new SboxError({ code: 'SBOX_E_SETUP', message: 'cannot open the proxy on a port of 127.0.0.1', cause }));
    });
    server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => resolve((server.address() as AddressInfo).port));
  });

const openServing = (served: Served) => {
  const { headTimeoutMs } = served.limits;
  const http = openHttp(served, (request, client, head) => {
    orCut(client, serveConnect(served, http.serveOrigin, { request, client, head }));
  });
  const speakProxy = async (client: Socket, isAnnounced: boolean): Promise<void> => {
    const limit = { maxBytes: 1, firstByteMs: headTimeoutMs, restMs: headTimeoutMs };
    const { value, bytes } = await gather(client, Buffer.alloc(0), (first) => first[0], limit);
    if (value === undefined) return void client.destroy();
    if (value === 5) return serveSocks5(served, http.serveOrigin, { client, first: bytes, isAnnounced });
    if (value === 4) return void client.end(socks4Rejected);
    http.serveProxy(client, bytes, isAnnounced);
  };
  const proxyClient = (client: Socket, isAnnounced: boolean): void => orCut(client, speakProxy(client, isAnnounced));
  return {
    proxyClient,
    destination: (client: Socket, destination: Destination): void => {
      if (destination.kind === 'proxy') proxyClient(client, true);
      else if (destination.kind === 'inside') join(client, destination.server, served.splicer);
      else orCut(client, serveTransparent(served, http.serveOrigin, client, destination));
    },
    close: http.close,
  };
};

/** SOCKS 4 has no reply that tells why. */
const socks4Rejected = Buffer.from([0, 0x5b, 0, 0, 0, 0, 0, 0]);
