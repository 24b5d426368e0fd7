import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A stand-in for the API that an agent talks to, on loopback. */
export interface StandInApi extends AsyncDisposable {
  readonly port: number;
  /** the keys that came, in the order of the requests */
  readonly keys: readonly string[];
  /** what the agent's shell tool answered */
  readonly toolResults: readonly string[];
  /** method and path of each request */
  readonly requests: readonly string[];
}

/** One API: where its key stands, and how it answers. */
export interface StandInDialect {
  readonly key: (headers: IncomingMessage['headers']) => string | undefined;
  /** writes the answer to one request; gives what a tool of the agent answered, if that is in the request */
  readonly answer: (path: string, body: string, response: ServerResponse) => string | undefined;
}

/** Starts the stand-in of one API at a free port of loopback. */
export const openStandInApi = async (dialect: StandInDialect): Promise<StandInApi> => {
  const [keys, toolResults, requests]: [string[], string[], string[]] = [[], [], []];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const path = request.url ?? '';
    requests.push(`${request.method} ${path}`);
    const key = dialect.key(request.headers);
    if (key !== undefined) keys.push(key);
    const result = dialect.answer(path, Buffer.concat(parts).toString(), response);
    if (result !== undefined) toolResults.push(result);
  });
  // a client that would rather have a WebSocket falls back at once
  server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    keys,
    toolResults,
    requests,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

/** Sends server-sent events, each with its name if it has one, and ends. */
export const sendEvents = (response: ServerResponse, events: readonly { readonly type?: string }[]): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) {
    const name = event.type === undefined ? '' : `event: ${event.type}\n`;
    response.write(`${name}data: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
};

/** The answer to what the stand-in does not know. */
export const sendNotFound = (response: ServerResponse): void => {
  response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"not found"}}');
};
