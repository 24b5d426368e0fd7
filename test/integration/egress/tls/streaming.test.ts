import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from 'node:http';
import { connect as connect2 } from 'node:http2';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { needs, program } from '../../../support/needs.ts';
import { ask, ask2 } from '../../../support/tls-clients.ts';
import { host, openPeers, type Peers, secretText } from '../../../support/tls-peers.ts';
import { aTree } from '../../../support/trees.ts';

const run = promisify(execFile);

/** A promise and what settles it. */
const gate = <T = void>() => {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { open, opened };
};

describe('events of a server', () => {
  test.each([
    ['plain', undefined],
    ['packed', 'gzip'],
  ])('arrive while it holds the rest back: %s', async (_, encoding) => {
    const rest = gate();
    await using peers = await openPeers(async (request, response) => {
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        ...(encoding && { 'content-encoding': encoding }),
      });
      const out = encoding === undefined ? response : createGzip();
      if (out !== response) out.pipe(response);
      out.write(`data: ${request.headers['x-api-key']}\n\n`);
      if ('flush' in out) out.flush();
      await rest.opened;
      out.end('data: end\n\n');
    });
    const socket = await peers.connect();
    const headers = { host, 'x-api-key': peers.placeholder };
    const request = openRequest({ createConnection: () => socket, headers }).end();
    const answer = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    const first = await new Promise<Buffer>((resolve) => answer.once('data', resolve));
    expect(first.toString()).toBe(`data: ${peers.placeholder}\n\n`);
    rest.open();
    expect(Buffer.concat(await answer.toArray()).toString()).toBe('data: end\n\n');
  });

  test('arrive over HTTP/2 as well, and the head comes before any of them', async () => {
    const [head, rest] = [gate(), gate()];
    await using peers = await openPeers(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      await head.opened;
      response.write('data: 1\n\n');
      await rest.opened;
      response.end();
    });
    const socket = await peers.connect({ alpn: ['h2'] });
    const session = connect2(`https://${host}`, { createConnection: () => socket });
    const stream = session.request({ ':path': '/' });
    await new Promise((resolve) => stream.once('response', resolve));
    head.open();
    expect(String(await new Promise((resolve) => stream.once('data', resolve)))).toBe('data: 1\n\n');
    rest.open();
    await new Promise((resolve) => stream.resume().once('end', resolve));
    session.close();
  });
});

describe('a server that ends a kept connection after its answer', () => {
  const openEnding = async () => {
    const ended = gate();
    const peers = await openPeers((request, response) => {
      response.once('finish', () => request.socket.end());
      request.socket.once('close', () => ended.open());
      response.end('answered');
    });
    return { peers, ended: ended.opened };
  };

  test('has the client’s connection end, too, and the next one is served', async () => {
    const { peers, ended } = await openEnding();
    await using _peers = peers;
    const socket = await peers.connect();
    const gone = new Promise((resolve) => socket.once('close', resolve));
    const agent = new Agent({ keepAlive: true });
    agent.createConnection = () => socket;
    const answer = await new Promise<IncomingMessage>((resolve) => {
      openRequest({ agent, headers: { host } }).once('response', resolve).end();
    });
    await answer.toArray();
    await Promise.all([ended, gone]);
    expect((await ask(await peers.connect(), host)).body.toString()).toBe('answered');
  });

  test('has the next request of the client’s session go over another one: HTTP/2', async () => {
    const { peers, ended } = await openEnding();
    await using _peers = peers;
    const socket = await peers.connect({ alpn: ['h2'] });
    const session = connect2(`https://${host}`, { createConnection: () => socket });
    const said = async () => Buffer.concat(await session.request({ ':path': '/' }).toArray()).toString();
    expect(await said()).toBe('answered');
    await ended;
    expect([await said(), peers.connections()]).toEqual(['answered', 2]);
    session.close();
  });
});

test.each([
  ['HTTP/1.1', 'http/1.1', ask],
  ['HTTP/2', 'h2', ask2],
] as const)(
  'an answer that changes the protocol unasked is refused, and nothing waits for it: %s',
  async (_, alpn, send) => {
    await using peers = await openPeers((request) => {
      request.socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    });
    const answer = await send(await peers.connect({ alpn: [alpn] }), host, {
      headers: { 'x-api-key': peers.placeholder },
    });
    expect([answer.status, answer.body.toString()]).toEqual([502, expect.stringContaining('without being asked')]);
  },
);

describe('a body', () => {
  const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

  test.each([0, 1, 1000, 262_144, 262_145, 3_000_000])('of %i bytes goes up and comes back unchanged', async (size) => {
    await using peers = await openPeers((request, response) => {
      response.setHeader('content-length', request.headers['content-length'] ?? '');
      request.pipe(response);
    });
    const body = randomBytes(size);
    for (const [alpn, send] of [
      ['http/1.1', ask],
      ['h2', ask2],
    ] as const) {
      const socket = await peers.connect({ alpn: [alpn] });
      const headers = { 'x-api-key': peers.placeholder, 'content-length': String(size) };
      const answer = await send(socket, host, { method: 'POST', body, headers });
      expect(answer.status).toBe(200);
      expect(digest(answer.body)).toBe(digest(body));
      expect(answer.headers['content-length']).toBe(String(size));
    }
  });

  test('in chunks of unknown number goes up as it comes', async () => {
    const first = gate<string>();
    await using peers = await openPeers((request, response) => {
      request.once('data', (bytes) => first.open(String(bytes)));
      request.resume().once('end', () => response.end('done'));
    });
    const socket = await peers.connect();
    const request = openRequest({ createConnection: () => socket, method: 'POST', headers: { host } });
    const answered = new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    request.write('first');
    expect(await first.opened).toBe('first');
    request.end('second');
    expect(String(Buffer.concat(await (await answered).toArray()))).toBe('done');
  });

  test('that nobody reads is not collected: the server is held up', async () => {
    let sent = 0;
    await using peers = await openPeers((request, response) => {
      if (request.url === '/small') return void response.end('ok');
      const chunk = Buffer.alloc(65_536, 'x');
      const fill = (): void => {
        do sent += chunk.length;
        while (response.write(chunk) && sent < 400_000_000);
        response.once('drain', () => sent < 400_000_000 && fill());
      };
      fill();
    });
    const socket = await peers.connect();
    const request = openRequest({ createConnection: () => socket, headers: { host } }).end();
    const answer = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    answer.pause();
    // other requests through the same process give the first all the time that it would need
    for (let i = 0; i < 150; i++) await ask(await peers.connect(), host, { path: '/small' });
    expect(sent).toBeLessThan(60_000_000);
    request.destroy();
  });

  test.each([1000, 300_000])('of %i bytes is sent only once the server wants it', async (size) => {
    await using peers = await openPeers((request, response) => {
      // small ones are searched first and need no permission any more
      if (request.headers.expect !== undefined) response.writeContinue();
      request.resume().once('end', () => response.end(`${request.headers.expect}`));
    });
    const socket = await peers.connect();
    const headers = { host, expect: '100-continue', 'content-length': String(size) };
    const request = openRequest({ createConnection: () => socket, method: 'POST', headers });
    request.flushHeaders();
    await new Promise((resolve) => request.once('continue', resolve));
    request.end(Buffer.alloc(size, 'x'));
    const answer = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    expect(String(Buffer.concat(await answer.toArray()))).toBe(size > 262_144 ? '100-continue' : 'undefined');
  });

  test('is refused before it is sent, if the head says enough', async () => {
    await using peers = await openPeers((_request, response) => void response.end());
    const socket = await peers.connect();
    const headers = { host, expect: '100-continue', 'content-length': '10', 'x-other': peers.placeholder };
    const request: ClientRequest = openRequest({ createConnection: () => socket, method: 'POST', headers });
    request.flushHeaders();
    const answer = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    expect([answer.statusCode, peers.received.length]).toEqual([403, 0]);
    request.destroy();
  });

  test('that breaks off breaks off for the client too', async () => {
    await using peers = await openPeers((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(ask(await peers.connect(), host)).rejects.toThrow();
    const socket = await peers.connect({ alpn: ['h2'] });
    await expect(ask2(socket, host)).rejects.toThrow();
  });
});

describe('connections', () => {
  const overOne = async (peers: Peers, times: number): Promise<void> => {
    const socket = await peers.connect();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agent.createConnection = () => socket;
    for (let i = 0; i < times; i++) {
      const request = openRequest({ agent, headers: { host } }).end();
      const answer = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
      await answer.toArray();
    }
    agent.destroy();
  };

  test('to the real host are used again, and what they cost is told once', async () => {
    await using peers = await openPeers((_request, response) => void response.end('ok'));
    await overOne(peers, 20);
    expect([peers.connections(), peers.received.length]).toEqual([1, 20]);
    await expect.poll(() => peers.events.length).toBe(1);
    expect(peers.events[0]).toMatchObject({ decision: { verdict: 'allow' }, bytesOut: expect.any(Number) });
    expect(peers.events[0]?.bytesIn).toBeGreaterThan(0);
  });

  test('stay usable after a refusal', async () => {
    await using peers = await openPeers((request, response) => {
      request.on('error', () => {});
      request.resume().once('end', () => response.end('ok'));
    });
    const socket = await peers.connect();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agent.createConnection = () => socket;
    const statuses: (number | undefined)[] = [];
    for (const bytes of [10, 1_000_000, 0]) {
      const request = openRequest({ agent, method: 'POST', headers: { host, 'x-bytes': String(bytes) } });
      request.write(Buffer.alloc(bytes, 'x'));
      request.end(bytes > 0 ? peers.placeholder : '');
      const answer = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
      await answer.toArray();
      statuses.push(answer.statusCode);
    }
    expect(statuses).toEqual([403, 403, 200]);
    agent.destroy();
  });

  test('a placeholder behind an early answer still does not leave, and is told', async () => {
    const parts: Buffer[] = [];
    await using peers = await openPeers((request, response) => {
      request.on('error', () => {});
      request.on('data', (part: Buffer) => parts.push(part));
      response.end('ok');
    });
    const socket = await peers.connect();
    const agent = new Agent({ keepAlive: true });
    agent.createConnection = () => socket;
    const request = openRequest({ agent, method: 'POST', headers: { host } });
    request.on('error', () => {});
    request.write('first');
    const answer = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    await answer.toArray();
    request.end(peers.placeholder);
    await expect.poll(() => peers.events.map(({ decision }) => decision.reason)).toContain('placeholder');
    expect(Buffer.concat(parts).toString()).toBe('first');
  });

  test('many requests at once over one connection of HTTP/2', async () => {
    await using peers = await openPeers((request, response) => void response.end(request.url));
    const socket = await peers.connect({ alpn: ['h2'] });
    const session = connect2(`https://${host}`, { createConnection: () => socket });
    const answers = Array.from({ length: 60 }, async (_, i) => {
      const stream = session.request({ ':path': `/${i}`, 'x-api-key': peers.placeholder });
      return String(Buffer.concat(await stream.toArray()));
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 60 }, (_, i) => `/${i}`));
    expect(new Set(peers.received.map(({ headers }) => headers['x-api-key']))).toEqual(new Set([secretText]));
    session.close();
  });

  test('a client that leaves takes its request along', async () => {
    const gone = gate();
    await using peers = await openPeers((_request, response: ServerResponse) => {
      response.writeHead(200).flushHeaders();
      response.once('close', () => gone.open());
    });
    const socket = await peers.connect();
    const request = openRequest({ createConnection: () => socket, headers: { host } }).end();
    await new Promise((resolve) => request.once('response', resolve));
    socket.destroy();
    await gone.opened;
  });

  test('a host that can’t be reached, or may not be, is answered for', async () => {
    const decision = {
      verdict: 'deny',
      reason: 'address-forbidden',
      host,
      port: 443,
      protocol: 'connect',
      sentence: 'it is private',
    };
    const denied = async () => ({ kind: 'denied', decision }) as never;
    const failed = async () =>
      ({ kind: 'failed', decision, code: 'ECONNREFUSED', message: 'connection refused' }) as never;
    await using first = await openPeers(() => {}, { dial: denied });
    const answer = await ask(await first.connect(), host);
    expect([answer.status, answer.headers['x-sbox-decision']]).toEqual([403, 'deny; reason=address-forbidden']);
    await using second = await openPeers(() => {}, { dial: failed });
    expect((await ask(await second.connect(), host)).status).toBe(502);
  });
});

describe('other clients:', () => {
  const server = (peers: Peers) => aTree({ 'ca.pem': peers.ca });
  const withoutProxies = { PATH: process.env['PATH'] };

  needs(program('curl'))('curl, by both versions of HTTP', async () => {
    await using peers = await openPeers(
      (request, response) => void response.end(`got ${request.headers.authorization}`),
    );
    const ca = join(server(peers), 'ca.pem');
    for (const version of ['--http1.1', '--http2']) {
      const args = ['-sS', version, '--cacert', ca, '--connect-to', `${host}:443:127.0.0.1:${peers.port}`];
      const { stdout } = await run(
        'curl',
        [...args, '-H', `Authorization: Bearer ${peers.placeholder}`, `https://${host}/`],
        { env: withoutProxies },
      );
      expect(stdout).toBe(`got Bearer ${peers.placeholder}`);
    }
    expect(peers.received.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${secretText}`,
      `Bearer ${secretText}`,
    ]);
  });

  needs(program('python3'))('Python, as strict about certificates as it can be', async () => {
    await using peers = await openPeers(
      (request, response) => void response.end(`got ${request.headers['x-api-key']}`),
    );
    const script = [
      'import ssl, socket, sys, http.client',
      'context = ssl.create_default_context(cafile=sys.argv[1])',
      'context.verify_flags |= ssl.VERIFY_X509_STRICT',
      `connection = http.client.HTTPSConnection("${host}", 443, context=context)`,
      `connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[2]))), server_hostname="${host}")`,
      'connection.request("GET", "/", headers={"x-api-key": sys.argv[3]})',
      'print(connection.getresponse().read().decode(), end="")',
    ].join('\n');
    const args = ['-c', script, join(server(peers), 'ca.pem'), String(peers.port), peers.placeholder];
    expect((await run('python3', args)).stdout).toBe(`got ${peers.placeholder}`);
  });
});
