import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { openTlsService, type TlsService } from './tls-service.ts';

/** A service that gives back what it was sent, in as many ways as there are names in `ways`: `/WAY/...`. */
export const openEchoService = (names: readonly string[]): Promise<TlsService> =>
  openTlsService({ names, onUpgrade: echoFrames }, (request, response) => {
    const parts: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const sent = { url: request.url, ...request.headers, body: Buffer.concat(parts).toString('latin1') };
      const way = ways[request.url?.split('/')[1] ?? ''] ?? ways['plain'];
      way?.(response, credentialOf(request), JSON.stringify(sent), request);
    });
  });

const credentialOf = ({ headers }: IncomingMessage): string => String(headers.authorization ?? 'none');

type Way = (response: ServerResponse, credential: string, all: string, request: IncomingMessage) => void;

const encoded =
  (encoding: string, encode: (text: string) => Buffer): Way =>
  (response, _, all) =>
    void response.setHeader('content-encoding', encoding).end(encode(all));

const ways: Readonly<Record<string, Way>> = {
  plain: (response, _, all) => void response.end(all),
  gzip: encoded('gzip', gzipSync),
  br: encoded('br', brotliCompressSync),
  deflate: encoded('deflate', deflateSync),
  twice: encoded('gzip, br', (text) => brotliCompressSync(gzipSync(text))),
  members: encoded('gzip', (text) => Buffer.concat([gzipSync(text.slice(0, 40)), gzipSync(text.slice(40))])),
  unknown: encoded('rot13', (text) => Buffer.from(text)),
  drip: (response, _, all) => {
    const bytes = [...Buffer.from(all)];
    const next = (): void => {
      const byte = bytes.shift();
      if (byte === undefined) response.end();
      else response.write(Buffer.from([byte]), () => setImmediate(next));
    };
    next();
  },
  headers: (response, credential) => {
    for (const name of ['x-echo', 'location', 'etag', 'set-cookie', 'www-authenticate', 'link', 'alt-svc', 'refresh'])
      response.setHeader(name, `a="${credential}"`);
    response.end();
  },
  name: (response, credential) => void response.setHeader(`x-${credential.split(' ').at(-1)}`, 'a').end(),
  reason: (response, credential) => void response.writeHead(200, credential).end(),
  trailers: (response, credential) => {
    response.writeHead(200, { trailer: 'x-echo', 'transfer-encoding': 'chunked' });
    response.write('a');
    response.addTrailers({ 'x-echo': credential });
    response.end();
  },
  hints: (response, credential) => {
    response.writeEarlyHints({ link: '</a>; rel=preload', 'x-echo': credential }, () => response.end('a'));
  },
  base64: (response, credential) => void response.end(Buffer.from(`x${credential}`).toString('base64')),
  hex: (response, credential) => void response.end(Buffer.from(credential).toString('hex')),
  url: (response, credential) => void response.end(encodeURIComponent(credential)),
  capitals: (response, credential) => void response.end(credential.toUpperCase()),
  page: (response, _, all) => void response.writeHead(500, { 'content-type': 'text/html' }).end(`<pre>${all}</pre>`),
  ranges: (response, credential, _, { headers }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    if (from === undefined || to === undefined) return void response.end(credential);
    const part = credential.slice(Number(from), Number(to) + 1);
    response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${credential.length}` }).end(part);
  },
  elsewhere: (response, _, __, { url = '' }) =>
    void response.writeHead(307, { location: `https://other.test${url.replace('elsewhere', 'plain')}` }).end(),
};

/** Answers a handshake, and says what it held in one frame, and in two of one message. */
const echoFrames = (request: IncomingMessage, socket: Socket): void => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n');
  const text = Buffer.from(credentialOf(request));
  const frame = (first: number, bytes: Buffer): Buffer => Buffer.concat([Buffer.from([first, bytes.length]), bytes]);
  socket.write(Buffer.concat([frame(0x81, text), frame(0x01, text.subarray(0, 20)), frame(0x80, text.subarray(20))]));
};
