import { describe, expect } from 'vitest';
import { compile } from '../support/compile.ts';
import { file, needs, program } from '../support/needs.ts';
import {
  type Attempt,
  aDatagramServer,
  greeters,
  kernelRungs,
  ownAddresses,
  reachInside,
  reachOutside,
} from '../support/reach.ts';
import { aWorkspace, eachUser, runSbox } from '../support/sbox.ts';

const test = needs(file('/usr/bin/python3', 'python3'));

/** Ways of TCP that work with any address. */
const streams = ['tcp', 'tcp_nonblocking', 'after_connect', 'bound', 'from_thread', 'from_child', 'to_device'];
const fastOpens = ['fast_sendto', 'fast_sendmsg', 'fast_sendmmsg', 'fast_deferred'];
const datagrams = ['udp', 'udp_connected', 'udp_sendmsg'];

const modes = [['none'], ['limited'], ['limited', '--allow', 'api.test', '--allow', 'localhost:9']] as const;
const policies = kernelRungs.flatMap((rung) =>
  modes.map(([mode, ...allowed]) => ({
    name: [rung, '--net', mode, ...allowed].join(' '),
    rung,
    mode,
    flags: ['--rung', rung, '--net', mode, ...allowed],
  })),
);

/** Those that got through. */
const reachedBy = (outcomes: Readonly<Record<string, string>>): string[] =>
  Object.entries(outcomes).flatMap(([attempt, outcome]) => (outcome === 'ok' ? [attempt] : []));

eachUser((as) => {
  describe.each(policies)('on $name', ({ rung, mode, flags }) => {
    test('no TCP connection reaches a server of this machine, at whatever address', async () => {
      const workspace = aWorkspace(as);
      const { servers, seen } = await greeters(ownAddresses());
      const attempts = servers.flatMap(({ address, port }) => streams.map((way): Attempt => ({ way, address, port })));
      const v4 = servers.find(({ address }) => address === '127.0.0.1')?.port ?? 0;
      attempts.push(
        { way: 'tcp', address: '::ffff:127.0.0.1', port: v4 },
        { way: 'tcp', address: '0.0.0.0', port: v4 },
      );
      attempts.push(...fastOpens.map((way) => ({ way, address: '127.0.0.1', port: v4 })));

      const outside = await reachOutside(attempts, workspace);
      expect(Object.values(outside)).toEqual(attempts.map(() => 'ok'));
      const before = await seen();
      expect(before).toBeGreaterThanOrEqual(attempts.length);
      expect(reachedBy(await reachInside(attempts, workspace, flags))).toEqual([]);
      expect(await seen()).toBe(before);
    });

    test('no datagram reaches a socket of this machine, or a name server that is not the own one', async () => {
      const workspace = aWorkspace(as);
      const servers = await Promise.all(
        ownAddresses().map(async (address) => ({ address, ...(await aDatagramServer(address)) })),
      );
      const count = () => servers.reduce((sum, server) => sum + server.datagrams(), 0);
      const attempts = servers.flatMap(({ address, port }) =>
        datagrams.map((way): Attempt => ({ way, address, port })),
      );
      await reachOutside(attempts, workspace);
      await new Promise((resolve) => setImmediate(resolve));
      const before = count();
      expect(before).toBe(attempts.length);
      await reachInside(attempts, workspace, flags);
      await new Promise((resolve) => setImmediate(resolve));
      expect(count()).toBe(before);
    });

    test('the proxy connects to none of them either', async () => {
      const workspace = aWorkspace(as);
      const { servers, seen } = await greeters(ownAddresses());
      const attempts = servers.map(({ address, port }): Attempt => ({ way: 'proxied', address, port }));
      const before = await seen();
      expect(reachedBy(await reachInside(attempts, workspace, flags))).toEqual([]);
      expect(await seen()).toBe(before);
      if (mode !== 'limited') return;
      // the positive control: the same way, and a rule
      const [first] = servers;
      const rule = ['--net', 'limited', '--allow', `localhost:${first?.port}`];
      const allowed = await reachInside(attempts.slice(0, 1), workspace, ['--rung', rung, ...rule]);
      expect(Object.values(allowed)).toEqual(['ok']);
      expect(await seen()).toBe(before + 1);
    });
  });

  test.each(kernelRungs)('on %s a listed port is reached, and no other one', async (rung) => {
    const workspace = aWorkspace(as);
    const { servers, seen } = await greeters(['127.0.0.1', '127.0.0.1']);
    const [listed, other] = servers;
    const flags = ['--rung', rung, '--allow', `localhost:${listed?.port}`];
    const tried = (port: number | undefined): Attempt[] =>
      ['tcp', 'tcp_nonblocking', 'after_connect', 'bound'].map((way) => ({
        way,
        address: '127.0.0.1',
        port: port ?? 0,
      }));
    expect(Object.values(await reachInside(tried(listed?.port), workspace, flags))).toEqual(['ok', 'ok', 'ok', 'ok']);
    const before = await seen();
    expect(reachedBy(await reachInside(tried(other?.port), workspace, flags))).toEqual([]);
    expect(await seen()).toBe(before);
  });

  // that each of them works without sbox is shown in system-calls.test.ts
  const refusals = {
    io_uring: 'ENOSYS',
    af_vsock: 'EAFNOSUPPORT',
    family_high: 'EAFNOSUPPORT',
    pair_vsock: 'EAFNOSUPPORT',
    af_packet: 'EAFNOSUPPORT',
    raw: 'EPERM',
    raw6: 'EPERM',
    ...(process.arch === 'x64' && { int80: 'SIGSYS' }),
  };
  needs(program('gcc')).each(kernelRungs)(
    'on %s there are no sockets of other kinds, and no other way to call',
    async (rung) => {
      const workspace = aWorkspace(as);
      compile('escape/calls.c', `${workspace.cwd}/calls`);
      const argv = ['./calls', ...Object.keys(refusals)];
      const inside = await runSbox(['run', '-q', '--rung', rung, '--', ...argv], workspace);
      const answers = inside.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' '));
      expect(Object.fromEntries(answers)).toEqual(refusals);
    },
  );
});
