import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { EgressPolicy } from '../../../src/domain/network.ts';
import type { Target } from '../../../src/egress/connect.ts';
import { connectTo } from '../../../src/egress/connect.ts';
import { type EgressOptions, openEgress } from '../../../src/egress/open.ts';
import { aPolicy } from '../../support/egress-rules.ts';
import { aGreeter, aServer, readAll } from '../../support/loopback.ts';

/** A way out whose look-ups, interfaces and connections are the test's: `dialled` tells each address that was connected to. */
const anEgress = (policy: EgressPolicy, changes: Partial<EgressOptions> = {}) => {
  const dialled: string[] = [];
  const looked: string[] = [];
  const { lookup = async () => ['127.0.0.1'], connect = connectTo, ...rest } = changes;
  const egress = openEgress(policy, {
    env: {},
    home: '/nonexistent',
    untrusted: [],
    ownAddresses: () => [],
    resolveRegistry: () => Promise.reject(new Error('no registry is asked for')),
    ...rest,
    lookup: (name) => {
      looked.push(name);
      return lookup(name);
    },
    connect: (target) => {
      dialled.push(`${target.address} ${target.port}`);
      return connect(target);
    },
  });
  const dial = (host: string, port = 443) => egress.dial({ host, port, protocol: 'connect' });
  return { egress, dial, dialled, looked };
};

/** Leads every address to one port of 127.0.0.1, as a stand-in for the internet. */
const leadTo =
  (port: number, dead: readonly string[] = []) =>
  ({ address }: Target): Socket =>
    dead.includes(address) ? new Socket() : connectTo({ address: '127.0.0.1', port });

const greeting = async (dialled: Awaited<ReturnType<ReturnType<typeof anEgress>['dial']>>): Promise<string> =>
  dialled.kind === 'connected' ? await readAll(dialled.socket) : `${dialled.kind} ${dialled.decision.reason}`;

describe('an allowed name', () => {
  test('leads to the public address that it stands for', async () => {
    const { port } = await aGreeter('hello');
    const { dial, dialled } = anEgress(aPolicy({ allow: ['a.test'] }), {
      lookup: async () => ['93.184.216.34'],
      connect: leadTo(port),
    });
    expect(await greeting(await dial('A.test.'))).toBe('hello');
    expect(dialled).toEqual(['93.184.216.34 443']);
  });

  test.each([
    ...['127.0.0.1', '127.0.0.53', '::1', '0.0.0.0', '::', '10.0.0.1', '172.16.0.1', '192.168.0.1', '100.64.0.1'],
    ...['169.254.169.254', '169.254.1.1', 'fe80::1', 'fe80::1%eth0', 'fd00::1', 'fd00:ec2::254', '::ffff:127.0.0.1'],
    ...[
      '::ffff:10.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      '2002:7f00:1::',
      '224.0.0.1',
      '255.255.255.255',
      '198.18.0.1',
    ],
    ...['203.0.113.9', '93.184.216.99', 'not an address', ''],
  ])('does not lead to %s', async (address) => {
    const { dial, dialled } = anEgress(aPolicy({ allow: ['a.test'] }), {
      lookup: async () => [address],
      ownAddresses: () => ['93.184.216.99'],
    });
    expect(await dial('a.test')).toMatchObject({
      kind: 'denied',
      decision: { verdict: 'deny', reason: 'address-forbidden', host: 'a.test', port: 443 },
    });
    expect(dialled).toEqual([]);
  });

  test.each([
    '127.0.0.1',
    '127.0.0.53',
    '::1',
    '0.0.0.0',
    '10.0.0.1',
    '169.254.169.254',
    'fd00::1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ])('leads to %s with the option that the refusal names, and with nothing that it does not name', async (address) => {
    const { port } = await aGreeter('there');
    const open = (...allow: string[]) =>
      anEgress(aPolicy({ allow }), { lookup: async () => [address], connect: leadTo(port) }).dial('a.test', 8080);
    const { fix = '' } = (await open('a.test:8080')).decision;
    const option = /^--allow (?:"(.*)"|([^"]*))$/.exec(fix);
    const named = option?.[1] ?? option?.[2] ?? '';
    expect(await greeting(await open('a.test:8080', named))).toBe('there');
    expect(await greeting(await open('b.test:8080', named))).toBe('denied not-allowed');
  });

  test('that stands for what is no address is refused without advice that would not work', async () => {
    const { dial } = anEgress(aPolicy({ allow: ['a.test'] }), { lookup: async () => ['fe80::1%\u001b[2J'] });
    const { decision } = await dial('a.test');
    expect(decision).not.toHaveProperty('fix');
    expect(decision.sentence).toContain('stands for fe80::1%\\u{1b}[2J');
  });

  test('that was forbidden an address says which, and what would allow it', async () => {
    const { dial } = anEgress(aPolicy({ allow: ['db.test:5432'] }), { lookup: async () => ['10.1.2.3'] });
    expect((await dial('db.test', 5432)).decision).toMatchObject({
      sentence:
        'db.test:5432 is allowed, but it stands for 10.1.2.3, a private address, and no rule names that address',
      fix: '--allow 10.1.2.3:5432',
    });
  });

  test('leads to a private address that a rule names, at the port that it names', async () => {
    const { port } = await aGreeter('inner');
    const policy = aPolicy({ allow: ['db.test:5432', 'web.test', '10.0.0.0/8:5432'] });
    const { dial } = anEgress(policy, { lookup: async () => ['10.1.2.3'], connect: leadTo(port) });
    expect(await greeting(await dial('db.test', 5432))).toBe('inner');
    expect(await greeting(await dial('web.test', 443))).toBe('denied address-forbidden');
  });

  test('leads to loopback where localhost is allowed at that port', async () => {
    const { port } = await aGreeter('local');
    const { dial, dialled } = anEgress(aPolicy({ allow: [`db.test:${port}`, `localhost:${port}`] }));
    expect(await greeting(await dial('db.test', port))).toBe('local');
    expect(dialled).toEqual([`127.0.0.1 ${port}`]);
  });

  test('does not lead to an address that is denied', async () => {
    const { dial } = anEgress(aPolicy({ mode: 'full', deny: ['10.0.0.0/8'] }), {
      lookup: async () => ['64:ff9b::a00:1'],
    });
    expect(await dial('a.test')).toMatchObject({ kind: 'denied', decision: { reason: 'denied' } });
  });

  test('that changes its address between two look-ups is dialled where it was checked', async () => {
    const { port } = await aGreeter('public');
    let count = 0;
    const { dial, dialled, looked } = anEgress(aPolicy({ allow: ['rebind.test'] }), {
      lookup: async () => [count++ % 2 === 0 ? '93.184.216.34' : '127.0.0.1'],
      connect: leadTo(port),
    });
    const outcomes: string[] = [];
    for (let round = 0; round < 6; round++) outcomes.push(await greeting(await dial('rebind.test')));
    const pair = ['public', 'denied address-forbidden'];
    expect(outcomes).toEqual([...pair, ...pair, ...pair]);
    expect(dialled).toEqual(Array(3).fill('93.184.216.34 443'));
    // one look-up a connection: nothing resolves again behind the check
    expect(looked).toHaveLength(6);
  });

  test('that stands for good and bad addresses at once leads to the good ones only', async () => {
    const { port } = await aGreeter('public');
    const { dial, dialled } = anEgress(aPolicy({ allow: ['mixed.test'] }), {
      lookup: async () => ['127.0.0.1', '93.184.216.34', '169.254.169.254'],
      connect: leadTo(port),
    });
    expect(await greeting(await dial('mixed.test'))).toBe('public');
    expect(dialled).toEqual(['93.184.216.34 443']);
  });
});

describe('several addresses', () => {
  const policy = aPolicy({ mode: 'full' });
  test('the next is tried where the first refuses', async () => {
    const { port } = await aGreeter('second', { address: '127.0.0.3' });
    const { dial, dialled } = anEgress(policy, { lookup: async () => ['127.0.0.2', '127.0.0.3'] });
    expect(await greeting(await dial('a.test', port))).toBe('second');
    expect(dialled).toEqual([`127.0.0.2 ${port}`, `127.0.0.3 ${port}`]);
  });

  test('the next is tried beside the first that does not answer', async () => {
    const { port } = await aGreeter('second');
    const { dial } = anEgress(policy, {
      lookup: async () => ['93.184.216.34', '2606:4700::1111'],
      connect: leadTo(port, ['93.184.216.34']),
      attemptDelayMs: 1,
    });
    expect(await greeting(await dial('a.test'))).toBe('second');
  });

  test('none answers: that is told after the time-out, and nothing is left open', async () => {
    const made: Socket[] = [];
    const { dial } = anEgress(policy, {
      lookup: async () => ['93.184.216.34', '93.184.216.35'],
      connect: () => {
        const socket = new Socket();
        made.push(socket);
        return socket;
      },
      attemptDelayMs: 1,
      connectTimeoutMs: 50,
    });
    expect(await dial('a.test')).toMatchObject({
      kind: 'failed',
      code: 'ETIMEDOUT',
      message: 'no answer from 93.184.216.34, 93.184.216.35',
    });
    expect(made.length).toBeGreaterThan(0);
    expect(made.filter(({ destroyed }) => !destroyed)).toEqual([]);
  });

  test('all refuse: the first reason is the code, and each is told', async () => {
    const { port } = await aServer(() => {}, { address: '127.0.0.9' });
    const { dial } = anEgress(policy, { lookup: async () => ['127.0.0.2', '127.0.0.3'] });
    expect(await dial('a.test', port)).toMatchObject({
      kind: 'failed',
      code: 'ECONNREFUSED',
      message: '127.0.0.2: ECONNREFUSED; 127.0.0.3: ECONNREFUSED',
      decision: { verdict: 'allow' },
    });
  });
});

test('only addresses are connected to: a name would be resolved again, unchecked', async () => {
  const { dial, dialled } = anEgress(aPolicy({ allow: ['a.test'], hosts: { 'a.test': { address: 'localhost' } } }));
  expect(await dial('a.test')).toMatchObject({ kind: 'failed', code: 'EINVAL' });
  expect(dialled).toEqual(['localhost 443']);
});

describe('resolving', () => {
  const policy = aPolicy({ allow: ['a.test'] });
  test('a name that is not allowed is not looked up', async () => {
    const { dial, looked } = anEgress(policy);
    expect(await dial('b.test')).toMatchObject({ kind: 'denied', decision: { reason: 'not-allowed' } });
    expect(looked).toEqual([]);
  });

  test.each([
    ['an unknown name', () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })), 'ENOTFOUND'],
    ['a name without addresses', async () => [], 'ENOTFOUND'],
    ['a resolver that does not answer', () => new Promise<string[]>(() => {}), 'ETIMEDOUT'],
  ])('%s is a failure, not a refusal', async (_, lookup, code) => {
    const { dial } = anEgress(policy, { lookup, connectTimeoutMs: 50 });
    expect(await dial('a.test')).toMatchObject({ kind: 'failed', code, message: `a.test can't be resolved: ${code}` });
  });

  test('look-ups of one name at the same time are one, later ones are new', async () => {
    const { port } = await aGreeter('x');
    const { dial, looked } = anEgress(policy, { lookup: async () => ['93.184.216.34'], connect: leadTo(port) });
    const all = await Promise.all([dial('a.test'), dial('a.test')]);
    for (const one of all) await greeting(one);
    await greeting(await dial('a.test'));
    // shared by the caller's count below: the test's own look-up is behind the sharing
    expect(looked).toHaveLength(2);
  });

  test('interfaces that can not be read close the way, they do not open it', async () => {
    const { dial } = anEgress(policy, {
      lookup: async () => ['93.184.216.34'],
      ownAddresses: () => {
        throw Object.assign(new Error('no'), { code: 'EPERM' });
      },
    });
    expect(await dial('a.test')).toMatchObject({ kind: 'failed', code: 'EPERM' });
  });
});

describe('hosts', () => {
  test('a mapped name leads to its address and port without a look-up, once it is allowed', async () => {
    const { port } = await aGreeter('mapped');
    const hosts = { 'api.test': { address: '127.0.0.1', port }, 'other.test': { address: '127.0.0.1', port } };
    const { dial, looked, dialled } = anEgress(aPolicy({ allow: ['api.test'], hosts }));
    expect(await greeting(await dial('API.test'))).toBe('mapped');
    expect(await greeting(await dial('other.test'))).toBe('denied not-allowed');
    expect(looked).toEqual([]);
    expect(dialled).toEqual([`127.0.0.1 ${port}`]);
  });

  test('without a port, the one that was asked for counts', async () => {
    const { port } = await aGreeter('mapped');
    const { dial } = anEgress(
      aPolicy({ allow: [`api.test:${port}`], hosts: { 'api.test': { address: '127.0.0.1' } } }),
    );
    expect(await greeting(await dial('api.test', port))).toBe('mapped');
  });

  test('a name that every object has is no mapped one', async () => {
    const { dial, looked } = anEgress(aPolicy({ allow: ['constructor', '__proto__'] }));
    for (const name of ['constructor', '__proto__'])
      expect(await greeting(await dial(name))).toBe('denied address-forbidden');
    expect(looked).toEqual(['constructor', '__proto__']);
  });
});

describe('localhost', () => {
  test('is loopback, whatever a resolver says', async () => {
    const { port } = await aGreeter('local');
    const { dial, looked } = anEgress(aPolicy({ allow: [`localhost:${port}`] }), {
      lookup: async () => ['93.184.216.34'],
    });
    for (const host of ['localhost', '127.0.0.1', '::ffff:127.0.0.1'])
      expect(await greeting(await dial(host, port))).toBe('local');
    expect(looked).toEqual([]);
  });

  test('leads to ::1 where 127.0.0.1 is denied, and nowhere where both are', async () => {
    const own = (deny: string[]) =>
      anEgress(aPolicy({ mode: 'host-only', deny }), { connect: () => new Socket(), connectTimeoutMs: 20 });
    const half = own(['127.0.0.0/8']);
    await half.dial('localhost', 1);
    expect(half.dialled).toEqual(['::1 1']);
    const closed = own(['127.0.0.0/8', '[::1]']);
    expect(await closed.dial('localhost', 1)).toMatchObject({
      kind: 'denied',
      decision: { reason: 'denied', source: '127.0.0.0/8 (--deny)' },
    });
  });
});

describe('registries', () => {
  const npm = { hosts: [{ host: 'packages.test', port: 443 }] };
  test('are asked for at the first need, once', async () => {
    const { port } = await aGreeter('package');
    const asked: string[] = [];
    const { egress, dial } = anEgress(aPolicy({ allow: ['a.test', 'registry:npm'] }), {
      lookup: async () => ['93.184.216.34'],
      connect: leadTo(port),
      resolveRegistry: async (client) => {
        asked.push(client);
        return npm;
      },
    });
    expect(await greeting(await dial('a.test'))).toBe('package');
    expect(await egress.knowsName('a.test')).toBe(true);
    expect(asked).toEqual([]);
    expect(
      await Promise.all([dial('packages.test'), dial('packages.test')].map(async (one) => greeting(await one))),
    ).toEqual(['package', 'package']);
    expect(await greeting(await dial('other.test'))).toBe('denied not-allowed');
    expect(await egress.knowsName('packages.test')).toBe(true);
    expect(asked).toEqual(['npm']);
  });

  test('may lie in a private network, as a mirror does, but not on loopback or a metadata service', async () => {
    const { port } = await aGreeter('mirror');
    const at = async (address: string) => {
      const { dial } = anEgress(aPolicy({ allow: ['registry:npm', 'a.test'] }), {
        lookup: async () => [address],
        connect: leadTo(port),
        resolveRegistry: async () => npm,
      });
      return [await greeting(await dial('packages.test')), await greeting(await dial('a.test'))];
    };
    expect(await at('10.0.0.5')).toEqual(['mirror', 'denied address-forbidden']);
    for (const address of ['127.0.0.1', '169.254.169.254', '::1', 'fe80::1', '0.0.0.0'])
      expect(await at(address)).toEqual(['denied address-forbidden', 'denied address-forbidden']);
  });

  test('are asked for before an allow where one is denied', async () => {
    const { egress } = anEgress(aPolicy({ mode: 'full', deny: ['registry:npm'] }), {
      resolveRegistry: async () => npm,
    });
    expect(await egress.decide({ host: 'packages.test', port: 443, protocol: 'http' })).toMatchObject({
      reason: 'denied',
    });
    // on another port it is another service
    expect(await egress.knowsName('packages.test')).toBe(true);
  });

  test('nothing is allowed while it is not known what a deny of one closes', async () => {
    const { dial } = anEgress(aPolicy({ mode: 'full', deny: ['registry:npm'] }), {
      resolveRegistry: async () => ({ hosts: [], problem: 'registry:npm names no host: npm is not installed' }),
    });
    expect((await dial('a.test')).decision).toMatchObject({
      reason: 'denied',
      sentence: 'a.test:443 may be what registry:npm (--deny) denies: registry:npm names no host: npm is not installed',
    });
  });

  test('that fail to be found stand for nothing', async () => {
    const { dial } = anEgress(aPolicy({ allow: ['registry:npm'] }));
    expect(await dial('a.test')).toMatchObject({ kind: 'denied', decision: { reason: 'not-allowed' } });
  });
});

describe('connections', () => {
  test('both halves end by themselves, and early words are not lost', async () => {
    const server = await aServer((socket) => {
      socket.write('first ');
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      socket.on('end', () => socket.end(`heard ${heard}`));
    });
    const { dial } = anEgress(aPolicy({ allow: [`localhost:${server.port}`] }));
    const dialled = await dial('localhost', server.port);
    if (dialled.kind !== 'connected') throw new Error(dialled.kind);
    dialled.socket.end('you');
    expect(await readAll(dialled.socket)).toBe('first heard you');
    expect(dialled.socket.allowHalfOpen).toBe(true);
  });
});
