import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { type EgressOptions, openEgress } from '../../../src/egress/open.ts';
import { openAuthority } from '../../../src/egress/tls/authority.ts';
import { aPolicy } from '../../support/egress-rules.ts';
import { aGreeter, aServer, readAll } from '../../support/loopback.ts';

/** What a proxy was asked, and the answer that it gave. */
const serveProxy = (socket: Socket, heads: string[], answer: string | ((head: string) => void)): void => {
  let seen = '';
  const listen = (chunk: Buffer): void => {
    seen += chunk.toString('latin1');
    if (!seen.includes('\r\n\r\n')) return;
    socket.removeListener('data', listen);
    heads.push(seen);
    if (typeof answer === 'string') socket.end(answer);
    else answer(seen);
  };
  socket.on('data', listen);
};

/** A proxy that leads every tunnel to one port, as if that were the host that was asked for. */
const aProxy = async (answer: string | { readonly leadsTo: number }) => {
  const heads: string[] = [];
  const { port, connections } = await aServer((socket) => {
    if (typeof answer === 'string') return serveProxy(socket, heads, answer);
    serveProxy(socket, heads, () => {
      const onward = connect(answer.leadsTo, '127.0.0.1');
      onward.on('error', () => socket.destroy());
      // the answer and the first bytes of the tunnel in one piece
      onward.once('data', (first) => {
        socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n'), first]));
        onward.pipe(socket);
      });
    });
  });
  return { port, heads, connections };
};

const anEgress = (env: Record<string, string>, changes: Partial<EgressOptions> = {}) => {
  const looked: string[] = [];
  const egress = openEgress(aPolicy({ allow: ['a.test', '*.in.test', '10.0.0.1'] }), {
    env,
    home: '/nonexistent',
    untrusted: [],
    ownAddresses: () => [],
    lookup: async (name) => {
      looked.push(name);
      return name === 'proxy.local' ? ['127.0.0.1'] : ['93.184.216.34'];
    },
    ...changes,
  });
  return { looked, dial: (host: string, port = 443) => egress.dial({ host, port, protocol: 'connect' }) };
};

test('the name is handed to the proxy in canonical form, with user and password, and what it sends at once is kept', async () => {
  const { port } = await aGreeter('from far away');
  const proxy = await aProxy({ leadsTo: port });
  const { dial, looked } = anEgress({ HTTPS_PROXY: `http://me:p%40ss@127.0.0.1:${proxy.port}` });
  const dialled = await dial('A.test.');
  if (dialled.kind !== 'connected') throw new Error(JSON.stringify(dialled));
  expect(await readAll(dialled.socket)).toBe('from far away');
  expect(proxy.heads).toEqual([
    `CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nProxy-Authorization: Basic ${btoa('me:p@ss')}\r\n\r\n`,
  ]);
  expect(looked).toEqual([]);
  expect(dialled.decision.sentence).toBe(
    `a.test:443 is allowed by a.test (--allow); resolved and reached by the proxy http://127.0.0.1:${proxy.port}`,
  );
  expect(JSON.stringify(dialled.decision)).not.toContain('p@ss');
});

test('every port goes by CONNECT, and an address keeps its form', async () => {
  const { port } = await aGreeter('x');
  const proxy = await aProxy({ leadsTo: port });
  const { dial } = anEgress({ all_proxy: `http://proxy.local:${proxy.port}` });
  for (const [host, at] of [
    ['a.test', 80],
    ['10.0.0.1', 443],
  ] as const) {
    const dialled = await dial(host, at);
    if (dialled.kind === 'connected') await readAll(dialled.socket);
  }
  expect(proxy.heads.map((head) => head.split('\r\n')[0])).toEqual([
    'CONNECT a.test:80 HTTP/1.1',
    'CONNECT 10.0.0.1:443 HTTP/1.1',
  ]);
});

test('a name that is not allowed never comes to the proxy', async () => {
  const proxy = await aProxy('HTTP/1.1 200 OK\r\n\r\n');
  const { dial } = anEgress({ HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
  expect(await dial('evil.example')).toMatchObject({ kind: 'denied', decision: { reason: 'not-allowed' } });
  expect(proxy.connections()).toBe(0);
});

test('NO_PROXY and mapped names go around it', async () => {
  const { port } = await aGreeter('direct');
  const proxy = await aProxy('HTTP/1.1 200 OK\r\n\r\n');
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, no_proxy: '.in.test' };
  const { dial, looked } = anEgress(env, { connect: () => connect(port, '127.0.0.1') });
  const dialled = await dial('a.in.test');
  expect(dialled.kind === 'connected' && (await readAll(dialled.socket))).toBe('direct');
  expect(looked).toEqual(['a.in.test']);
  const egress = openEgress(aPolicy({ allow: ['m.test'], hosts: { 'm.test': { address: '127.0.0.1', port } } }), {
    env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` },
    home: '/nonexistent',
    untrusted: [],
  });
  const mapped = await egress.dial({ host: 'm.test', port: 443, protocol: 'connect' });
  expect(mapped.kind === 'connected' && (await readAll(mapped.socket))).toBe('direct');
  expect(proxy.connections()).toBe(0);
});

test.each([
  [
    'a status 407',
    'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n',
    'ECONNREFUSED',
    'wants a user and password (407)',
  ],
  ['a status 403', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'ECONNREFUSED', 'answered 403'],
  ['another protocol', 'SSH-2.0-x\r\n\r\n', 'EPROTO', 'does not speak HTTP'],
  ['half an answer', 'HTTP/1.1 200', 'ECONNRESET', 'broke off: ECONNRESET'],
  ['an endless head', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(40_000)}`, 'EPROTO', 'broke off: EPROTO'],
])('%s is a failure', async (_, answer, code, what) => {
  const proxy = await aProxy(answer);
  const { dial } = anEgress({ HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
  expect(await dial('a.test')).toMatchObject({
    kind: 'failed',
    code,
    message: `the proxy http://127.0.0.1:${proxy.port} ${what}`,
    decision: { verdict: 'allow' },
  });
});

test('a proxy that does not answer is given up, one that is not there or of an unknown kind is told', async () => {
  const silent = await aServer(() => {});
  const quick = { connectTimeoutMs: 50 };
  const outcome = async (url: string) => await anEgress({ HTTPS_PROXY: url }, quick).dial('a.test');
  expect(await outcome(`http://127.0.0.1:${silent.port}`)).toMatchObject({
    code: 'ETIMEDOUT',
    message: `the proxy http://127.0.0.1:${silent.port} did not answer`,
  });
  expect(await outcome(`http://127.0.0.9:${silent.port}`)).toMatchObject({
    code: 'ECONNREFUSED',
    message: `the proxy http://127.0.0.9:${silent.port}: 127.0.0.9: ECONNREFUSED`,
  });
  expect(await outcome('socks5://me:secret@127.0.0.1:1080')).toMatchObject({
    kind: 'failed',
    code: 'EPROTONOSUPPORT',
    message: expect.not.stringContaining('secret'),
  });
});

test('a proxy is spoken to by TLS where its URL says so, and has to prove its name', async () => {
  const authority = openAuthority({ hosts: ['proxy.local', 'other.local'] });
  const far = await aGreeter('from far away');
  const behindTls = (name: string) =>
    aServer((raw) => {
      const socket = new TLSSocket(raw, { isServer: true, secureContext: authority.contextFor(name) });
      socket.on('error', () => {});
      serveProxy(socket, [], () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        connect(far.port, '127.0.0.1').pipe(socket);
      });
    });
  const outcome = async (port: number, extraCa: readonly string[]) => {
    const dialled = await anEgress({ HTTPS_PROXY: `https://proxy.local:${port}` }, { extraCa }).dial('a.test');
    return dialled.kind === 'connected' ? await readAll(dialled.socket) : dialled;
  };
  const proxy = await behindTls('proxy.local');
  const impostor = await behindTls('other.local');
  expect(await outcome(proxy.port, [authority.certificatePem])).toBe('from far away');
  expect(await outcome(proxy.port, [])).toMatchObject({ kind: 'failed', decision: { verdict: 'allow' } });
  expect(await outcome(impostor.port, [authority.certificatePem])).toMatchObject({
    kind: 'failed',
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
});
