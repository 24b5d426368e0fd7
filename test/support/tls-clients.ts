import { type IncomingHttpHeaders, request as openRequest } from 'node:http';
import { connect as connect2, type IncomingHttpHeaders as Http2Headers } from 'node:http2';
import type { TLSSocket } from 'node:tls';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders | Http2Headers;
  readonly body: Buffer;
  readonly trailers: NodeJS.Dict<string>;
}

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

/** One request over a connection that is there, by HTTP/1.1. */
export const ask = (socket: TLSSocket, host: string, asked: Asked = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = openRequest({
      createConnection: () => socket,
      method: asked.method ?? 'GET',
      path: asked.path ?? '/',
      headers: { host, ...asked.headers },
    });
    request.once('error', reject);
    request.once('response', (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.once('error', reject);
      answer.once('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(parts),
          trailers: answer.trailers,
        }),
      );
    });
    request.end(asked.body);
  });

/** The same by HTTP/2; `pseudo` replaces pseudo-headers. */
export const ask2 = (
  socket: TLSSocket,
  host: string,
  asked: Asked & { readonly pseudo?: Record<string, string> } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const session = connect2(`https://${host}`, { createConnection: () => socket });
    session.once('error', reject);
    const stream = session.request(
      {
        ':method': asked.method ?? 'GET',
        ':path': asked.path ?? '/',
        ':authority': host,
        ...asked.pseudo,
        ...asked.headers,
      },
      { endStream: asked.body === undefined },
    );
    let head: Http2Headers = {};
    let trailers: Http2Headers = {};
    const parts: Buffer[] = [];
    stream.once('response', (headers) => {
      head = headers;
    });
    stream.once('trailers', (headers) => {
      trailers = headers;
    });
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.once('error', reject);
    stream.once('end', () => {
      resolve({
        status: Number(head[':status']),
        headers: head,
        body: Buffer.concat(parts),
        trailers: trailers as NodeJS.Dict<string>,
      });
      session.close();
    });
    if (asked.body !== undefined) stream.end(asked.body);
  });

/** Bytes as they are, and everything that comes back until the connection ends or `until` is seen in it. */
export const talk = (socket: TLSSocket, bytes: string, until?: RegExp): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (part: Buffer) => {
      text += part.toString('latin1');
      if (until?.test(text)) resolve(text);
    });
    socket.on('error', () => resolve(text));
    socket.once('close', () => resolve(text));
    socket.write(bytes, 'latin1');
  });
