import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { renderAuthority } from '../domain/address.ts';
import type { Connected } from './connect.ts';
import type { Upstream } from './upstream.ts';

/** A tunnel that is wanted of the operator's proxy. */
export interface TunnelRequest {
  readonly upstream: Upstream;
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
  readonly extraCa?: readonly string[];
}

/**
 * Asks the operator's proxy, on a connection to it, for a tunnel to a host and port (RFC 9110, 9.3.6). The host is resolved there:
 * what a name stands for can't be checked here. Never rejects; the connection is closed unless a tunnel came of it.
 */
export const openTunnel = async (connection: Socket, request: TunnelRequest): Promise<Connected> => {
  const { upstream, signal, extraCa } = request;
  const fail = (code: string, what: string): Connected => {
    connection.on('error', () => {});
    connection.destroy();
    return { kind: 'failed', code, message: `the proxy ${upstream.shown} ${what}` };
  };
  try {
    const socket = upstream.secure ? await secure(connection, upstream.host, signal, extraCa) : connection;
    socket.write(renderConnect(request));
    const status = /^HTTP\/1\.[01] (\d{3})(?: |\r\n)/.exec(await readHead(socket, signal))?.[1];
    if (status === undefined) return fail('EPROTO', 'does not speak HTTP');
    if (status.startsWith('2')) return { kind: 'connected', socket };
    return fail('ECONNREFUSED', status === '407' ? 'wants a user and password (407)' : `answered ${status}`);
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    return signal.aborted ? fail('ETIMEDOUT', 'did not answer') : fail(code, `broke off: ${code}`);
  }
};

const renderConnect = ({ upstream, host, port }: TunnelRequest): string => {
  const authority = `${renderAuthority(host)}:${port}`;
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  if (upstream.credentials !== undefined)
    lines.push(`Proxy-Authorization: Basic ${Buffer.from(upstream.credentials).toString('base64')}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
};

const secure = async (
  connection: Socket,
  host: string,
  signal: AbortSignal,
  extraCa: readonly string[] | undefined,
): Promise<Socket> => {
  const { connect, rootCertificates } = await import('node:tls'); // which takes 4 ms to load
  const socket = connect({
    socket: connection,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(extraCa && { ca: [...rootCertificates, ...extraCa] }),
  });
  // as for the connection below it: an error before the caller listens must not end the process
  socket.on('error', () => {});
  await once(socket, 'secureConnect', { signal });
  return socket;
};

const longestHead = 16 * 1024;

/** The bytes up to the empty line; what follows belongs to the tunnel and is put back. */
const readHead = (socket: Socket, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const finish = (act: () => void): void => {
      socket.removeListener('readable', onReadable);
      socket.removeListener('end', onEnd);
      socket.removeListener('error', onError);
      signal.removeEventListener('abort', onEnd);
      act();
    };
    const onError = (error: Error): void => finish(() => reject(error));
    const onEnd = (): void => onError(broken('ECONNRESET'));
    const onReadable = (): void => {
      let end = -1;
      for (let chunk = socket.read(); end < 0 && chunk !== null; chunk = end < 0 ? socket.read() : null) {
        seen = Buffer.concat([seen, chunk]);
        end = seen.indexOf('\r\n\r\n');
      }
      if (end >= 0) {
        if (seen.length > end + 4) socket.unshift(seen.subarray(end + 4));
        finish(() => resolve(seen.toString('latin1', 0, end + 2)));
      } else if (seen.length > longestHead) onError(broken('EPROTO'));
    };
    signal.addEventListener('abort', onEnd, { once: true });
    // not "data": a socket that was paused explicitly would not flow again when the next reader listens
    socket.on('readable', onReadable);
    socket.once('end', onEnd);
    socket.once('error', onError);
  });

const broken = (code: string): Error => Object.assign(new Error(code), { code });
