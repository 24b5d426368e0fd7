import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openHostSocket } from '../../../../src/egress/host-socket.ts';
import { type Joined, join } from '../../../../src/egress/proxy/join.ts';
import { openSplicer, type Splicer, type SplicerOptions } from '../../../../src/egress/splice/splicer.ts';
import { archs } from '../../../../src/syscall/numbers.ts';
import { interpreterNeeds } from '../../../support/interpreter.ts';
import { needs } from '../../../support/needs.ts';
import { testSplicing } from '../../../support/splicing.ts';

const splicing = testSplicing();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const serve = async (onConnection: (socket: Socket) => void): Promise<number> => {
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    closing.push(() => socket.destroy());
    onConnection(socket.on('error', () => {}));
  });
  closing.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

interface Tunnel {
  readonly client: Socket;
  /** the server's end, and the two in the middle */
  readonly server: Socket;
  readonly near: Socket;
  readonly far: Socket;
  readonly joined: Joined;
}

const openTunnel = async (splicer: Splicer): Promise<Tunnel> => {
  let arrive = (_server: Socket): void => {};
  const server = new Promise<Socket>((resolve) => {
    arrive = resolve;
  });
  const target = await serve((socket) => arrive(socket));
  let found = (_middle: Pick<Tunnel, 'near' | 'far' | 'joined'>): void => {};
  const middle = new Promise<Pick<Tunnel, 'near' | 'far' | 'joined'>>((resolve) => {
    found = resolve;
  });
  const front = await serve((near) => {
    const far = openHostSocket('127.0.0.1', target);
    far.on('error', () => {});
    far.once('connect', () => found({ near, far, joined: join(near, far, splicer) }));
  });
  const client = connect({ port: front, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  client.on('error', () => {});
  closing.push(() => client.destroy());
  return { client, server: await server, ...(await middle) };
};

const open = (options: SplicerOptions = splicing): Splicer => {
  const splicer = openSplicer(options);
  closing.push(splicer.close);
  return splicer;
};

/** So many messages there and back, one after the other. */
const exchange = async ({ client, server }: Tunnel, count: number): Promise<void> => {
  const bounce = (bytes: Buffer): void => void server.write(bytes);
  server.on('data', bounce).resume();
  for (let index = 0; index < count; index++) {
    const message = `message ${index}`;
    client.write(message);
    let heard = '';
    client.resume();
    while (heard.length < message.length) heard += String(await once(client, 'data').then(([bytes]) => bytes));
    expect(heard).toBe(message);
  }
  server.off('data', bounce);
  client.pause();
  server.pause();
};

/** Makes a tunnel busy until its bytes no longer come by here. */
const becomeSpliced = async (tunnel: Tunnel): Promise<void> => {
  await exchange(tunnel, 20);
  await vi.waitFor(async () => {
    const before = tunnel.far.bytesWritten;
    await exchange(tunnel, 1);
    expect(tunnel.far.bytesWritten).toBe(before);
  }, 5_000);
};

const received = (socket: Socket): Promise<{ bytes: number; hash: string; error?: string | undefined }> =>
  new Promise((resolve) => {
    const hash = createHash('sha256');
    let bytes = 0;
    let error: string | undefined;
    const end = (): void => resolve({ bytes, hash: hash.copy().digest('hex'), ...(error && { error }) });
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      error = code;
    });
    socket.once('end', end).once('close', end).resume();
  });

const told = (content: Buffer) => ({ bytes: content.length, hash: createHash('sha256').update(content).digest('hex') });

test('a tunnel with few messages stays here, and no process is started', async () => {
  const tunnel = await openTunnel(open());
  await exchange(tunnel, 15);
  expect(splicing.processes()).toEqual([]);
  expect(tunnel.far.bytesWritten).toBeGreaterThan(100);
});

describe('a busy tunnel goes through the splicer', () => {
  test('past this process, and what passed is counted when it comes back', async () => {
    const tunnel = await openTunnel(open());
    await becomeSpliced(tunnel);
    expect(splicing.processes()).toHaveLength(1);
    const { client, server, near, far, joined } = tunnel;
    await exchange(tunnel, 100);
    const ends = [received(client), received(server)];
    client.end('the last');
    server.end();
    await Promise.all(ends);
    await vi.waitFor(() => expect(near.destroyed && far.destroyed).toBe(true));
    const [there, back] = joined.passed();
    expect(far.bytesWritten + there).toBe(client.bytesWritten);
    expect(far.bytesRead + back).toBe(server.bytesWritten);
    expect(there).toBeGreaterThan(100 * 'message 1'.length);
  });

  test('also with what no reader takes: it comes back, and goes again', async () => {
    const tunnel = await openTunnel(open());
    await becomeSpliced(tunnel);
    const { client, server, far, joined } = tunnel;
    const contents = [randomBytes(12 << 20), randomBytes(10 << 20)] as const;
    const before = { far: far.bytesWritten };
    client.write(contents[0]);
    server.write(contents[1]);
    // nobody reads: the queues of the kernel fill up, and the splicer holds no byte
    await vi.waitFor(() => expect(far.bytesWritten).toBeGreaterThan(before.far), 5_000);
    const heard = [received(client), received(server)] as const;
    await vi.waitFor(() => expect(client.bytesRead).toBeGreaterThan(contents[1].length), 10_000);
    await vi.waitFor(() => expect(server.bytesRead).toBeGreaterThan(contents[0].length), 10_000);
    client.removeAllListeners('data');
    server.removeAllListeners('data');
    await becomeSpliced(tunnel);
    client.end();
    server.end();
    const [atClient, atServer] = await Promise.all(heard);
    expect(atClient).toEqual(told(contents[1]));
    expect(atServer).toEqual(told(contents[0]));
    await vi.waitFor(() => expect(far.destroyed).toBe(true));
    expect(far.bytesWritten + joined.passed()[0]).toBe(client.bytesWritten);
    expect(far.bytesRead + joined.passed()[1]).toBe(server.bytesWritten);
  });

  test('but not while bytes of it wait here, whatever goes the other way', async () => {
    const tunnel = await openTunnel(open());
    const { client, server, far } = tunnel;
    const content = randomBytes(24 << 20);
    client.write(content);
    await vi.waitFor(() => expect(far.writableLength).toBeGreaterThan(0), 5_000);
    client.resume();
    for (let index = 0; index < 100; index++) {
      server.write('small');
      await once(client, 'data');
    }
    expect(splicing.processes()).toEqual([]);
    const atServer = received(server);
    client.end();
    expect(await atServer).toEqual(told(content));
  });

  test('whose one direction ends first: the other goes on', async () => {
    const tunnel = await openTunnel(open());
    await becomeSpliced(tunnel);
    const { client, server } = tunnel;
    const atServer = received(server);
    client.end('the question');
    expect(await atServer).toEqual(told(Buffer.from('the question')));
    const atClient = received(client);
    const answer = randomBytes(1 << 20);
    server.end(answer);
    expect(await atClient).toEqual(told(answer));
  });

  test('that a host resets: the client sees no end, and the error is known', async () => {
    const tunnel = await openTunnel(open());
    await becomeSpliced(tunnel);
    const { client, server, far } = tunnel;
    const failed = once(far, 'error');
    const atClient = received(client);
    server.resetAndDestroy();
    expect(await atClient).toMatchObject({ bytes: 0, error: 'ECONNRESET' });
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  test('that a client resets: the host sees no end', async () => {
    const tunnel = await openTunnel(open());
    await becomeSpliced(tunnel);
    const atServer = received(tunnel.server);
    tunnel.client.resetAndDestroy();
    expect(await atServer).toMatchObject({ bytes: 0, error: 'ECONNRESET' });
  });
});

describe.each(archs)('the program for %s', (arch) => {
  needs(...interpreterNeeds(arch))('copies, gives back and goes on', async () => {
    const splicer = open(testSplicing({ arch }));
    const tunnel = await openTunnel(splicer);
    await becomeSpliced(tunnel);
    const { client, server, joined } = tunnel;
    const content = randomBytes(8 << 20);
    client.write(content);
    await vi.waitFor(() => expect(joined.passed()[0]).toBeGreaterThan(64 << 10), 5_000);
    const atServer = received(server);
    await vi.waitFor(() => expect(server.bytesRead).toBeGreaterThan(content.length), 10_000);
    server.removeAllListeners('data');
    await becomeSpliced(tunnel);
    client.end();
    expect(await atServer).toEqual(told(content));
  });
});

test('many tunnels at once, with messages of all sizes both ways: no byte is lost or out of place', {
  timeout: 60_000,
}, async () => {
  const splicer = open();
  const tunnels = await Promise.all(Array.from({ length: 24 }, () => openTunnel(splicer)));
  let random = 1;
  const below = (limit: number): number => {
    random = (random * 48271) % 0x7fffffff;
    return random % limit;
  };
  const speak = async (socket: Socket): Promise<ReturnType<typeof told>> => {
    const all: Buffer[] = [];
    for (let index = 0; index < 600; index++) {
      // mostly small ones; now and then more than the queues hold
      const bytes = randomBytes(1 + below(below(120) === 0 ? 3_000_000 : 900));
      all.push(bytes);
      if (!socket.write(bytes)) await once(socket, 'drain');
      if (below(4) === 0) await new Promise(setImmediate);
    }
    socket.end();
    return told(Buffer.concat(all));
  };
  let passed = 0;
  await Promise.all(
    tunnels.map(async ({ client, server, near, far, joined }) => {
      const heard = [received(server), received(client)];
      const said = [speak(client), speak(server)];
      expect(await Promise.all(heard)).toEqual(await Promise.all(said));
      await vi.waitFor(() => expect(near.destroyed && far.destroyed).toBe(true));
      expect(far.bytesWritten + joined.passed()[0]).toBe(client.bytesWritten);
      expect(far.bytesRead + joined.passed()[1]).toBe(server.bytesWritten);
      passed += joined.passed()[0] + joined.passed()[1];
    }),
  );
  expect(passed).toBeGreaterThan(100_000);
});

describe('the process', () => {
  test('takes its tunnels with it when it is killed: what it had read nobody knows', async () => {
    const tunnel = await openTunnel(open());
    await becomeSpliced(tunnel);
    const ends = [received(tunnel.client), received(tunnel.server)];
    const failed = once(tunnel.far, 'error');
    for (const pid of splicing.processes()) process.kill(pid, 'SIGKILL');
    for (const end of await Promise.all(ends)) expect(end).toMatchObject({ error: 'ECONNRESET' });
    expect((await failed)[0]).toMatchObject({ code: 'EIO' });
    await vi.waitFor(() => expect(splicing.processes()).toEqual([]));
  });

  test('and later ones are copied here', async () => {
    const splicer = open();
    await becomeSpliced(await openTunnel(splicer));
    for (const pid of splicing.processes()) process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(splicing.processes()).toEqual([]));
    const next = await openTunnel(splicer);
    await exchange(next, 50);
    expect(next.far.bytesWritten).toBe(next.client.bytesWritten);
    expect(splicing.processes()).toEqual([]);
  });

  test('gives all back when it is closed, and ends', async () => {
    const splicer = open();
    const tunnels = await Promise.all([openTunnel(splicer), openTunnel(splicer)]);
    for (const tunnel of tunnels) await becomeSpliced(tunnel);
    expect(splicing.processes()).toHaveLength(1);
    await splicer.close();
    expect(splicing.processes()).toEqual([]);
    for (const tunnel of tunnels) {
      const before = tunnel.far.bytesWritten;
      await exchange(tunnel, 40);
      expect(tunnel.far.bytesWritten).toBeGreaterThan(before);
    }
  });

  test('ends also when it was stopped, and its tunnels with it', async () => {
    const splicer = open();
    const tunnel = await openTunnel(splicer);
    await becomeSpliced(tunnel);
    const atClient = received(tunnel.client);
    for (const pid of splicing.processes()) process.kill(pid, 'SIGSTOP');
    await splicer.close();
    expect(splicing.processes()).toEqual([]);
    expect(await atClient).toMatchObject({ error: 'ECONNRESET' });
  });

  test('is in a process group of its own, where no Ctrl-C reaches it, and in the session of the launcher', async () => {
    await becomeSpliced(await openTunnel(open()));
    const [pid] = splicing.processes();
    const groupAndSession = (of: number | undefined): (number | undefined)[] =>
      (readFileSync(`/proc/${of}/stat`, 'latin1').split(') ')[1] ?? '').split(' ').slice(2, 4).map(Number);
    const [, session] = groupAndSession(process.pid);
    expect(groupAndSession(pid)).toEqual([pid, session]);
  });

  test('keeps no tunnel waiting whose turn has not come', async () => {
    const splicer = open();
    const [first, second, third] = await Promise.all([openTunnel(splicer), openTunnel(splicer), openTunnel(splicer)]);
    await becomeSpliced(first);
    const [pid] = splicing.processes();
    process.kill(pid ?? 0, 'SIGSTOP');
    const handedOver = exchange(second, 100); // it is being handed over, which takes until the process goes on
    await exchange(third, 100);
    expect(third.far.bytesWritten).toBe(third.client.bytesWritten);
    expect(second.far.bytesWritten).toBeLessThan(third.far.bytesWritten);
    process.kill(pid ?? 0, 'SIGCONT');
    await handedOver;
    expect(second.far.bytesWritten).toBeLessThan(second.client.bytesWritten);
  });

  test('that takes no more sockets leaves them where they are', async () => {
    const few = testSplicing({ before: 'ulimit -n 8' }); // three streams, two channels, epoll: room for one pair
    const splicer = open(few);
    await becomeSpliced(await openTunnel(splicer));
    const next = await openTunnel(splicer);
    await exchange(next, 100);
    expect(next.far.bytesWritten).toBe(next.client.bytesWritten);
    expect(few.processes()).toHaveLength(1);
  });

  test('that can not be started is done without', async () => {
    const tunnel = await openTunnel(open({ ...splicing, executable: '/nonexistent/interpreter' }));
    await exchange(tunnel, 100);
    expect(tunnel.far.bytesWritten).toBe(tunnel.client.bytesWritten);
  });
});
