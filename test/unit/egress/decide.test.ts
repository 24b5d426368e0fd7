import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../../src/domain/address.ts';
import type { NetworkMode } from '../../../src/domain/network.ts';
import { decide, decideName } from '../../../src/egress/decide.ts';
import { compilePolicy, type Registries } from '../../../src/egress/policy.ts';
import { aPolicy } from '../../support/egress-rules.ts';

interface World {
  readonly mode?: NetworkMode;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly own?: readonly string[];
  readonly registries?: Registries;
}

const ask = (world: World, host: string, port = 443) => {
  const own = (world.own ?? []).flatMap((text) => parseAddress(text) ?? []);
  return decide(compilePolicy(aPolicy(world), world.registries), { host, port, protocol: 'connect' }, { own });
};
const reason = (world: World, host: string, port?: number) => ask(world, host, port).reason;

describe('spellings', () => {
  const world = { allow: ['good.test', '*.good.test', '93.184.216.34'] };

  test.each([
    'good.test',
    'GOOD.test',
    'good.test.',
    'a.good.test',
    'a.b.good.test',
    '93.184.216.34',
    '::ffff:93.184.216.34',
  ])('%s is allowed: the rules are at work', (host) =>
    expect(ask(world, host)).toMatchObject({ verdict: 'allow', reason: 'allowed' }),
  );

  test.each([
    ...[
      'evil.test\0.good.test',
      'good.test\0.evil.test',
      'evil.test%00.good.test',
      'evil.test\n.good.test',
      'good.test ',
    ],
    ...[
      'user@good.test',
      'good.test@evil.test',
      'evil.test#.good.test',
      'evil.test?.good.test',
      'evil.test/.good.test',
    ],
    ...['evil.test\\.good.test', 'evil.test:443.good.test', 'good.test:443', 'http://good.test', 'evil.test,good.test'],
    ...[
      'good.test..',
      '.good.test',
      'a..good.test',
      '*.good.test',
      '-.good.test',
      ' good.test',
      '\tgood.test',
      'good。test',
    ],
    ...[
      'gооd.test',
      'ｇood.test',
      'good．test',
      'good.test\u200b',
      'good\u00ad.test',
      '\u212aood.test',
      'göod.test',
      '',
    ],
    ...[
      '0x7f.1',
      '2130706433',
      '0177.0.0.1',
      '127.1',
      '127.0.1',
      '017700000001',
      '0x7f000001',
      '0x7F.0.0.0x1',
      '127.0.0.1.',
    ],
    ...[
      '１２７.0.0.1',
      '127。0。0。1',
      '⑴.0.0.1',
      '00.0.0.0',
      '0x',
      '1',
      '08.8.8.8',
      '256.1.1.1',
      '1.2.3.4.5',
      '93.184.55330',
    ],
    ...[
      '[127.0.0.1]',
      '[::1',
      '::1]',
      '[::1%25lo]',
      'fe80::1%eth0',
      '::ffff:127.1',
      '[93.184.216.34]',
      '0:0:0:0:0:0:0:0:1',
    ],
  ])('%j is malformed', (host) => expect(ask(world, host)).toMatchObject({ verdict: 'deny', reason: 'malformed' }));

  test.each([
    ...['127.0.0.1', '[::1]', '::1', '[::ffff:127.0.0.1]', '::ffff:7f00:1', '[0:0:0:0:0:0:0:1]', '0.0.0.0', '::'],
    ...[
      '169.254.169.254',
      '::ffff:a9fe:a9fe',
      'fd00:ec2::254',
      '10.0.0.1',
      '192.168.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
    ],
    ...['93.184.216.35', '64:ff9b::93.184.216.34', '::93.184.216.34'],
  ])('the address %s is not allowed by a name', (host) =>
    expect(ask(world, host)).toMatchObject({ verdict: 'deny', reason: 'address-not-allowed' }),
  );

  test.each([
    ...['test', 'xgood.test', 'notgood.test', 'good.test.evil.test', 'good.tes', 'ood.test', 'good-test', 'goodxtest'],
    ...[
      'good',
      'a.good.test.evil.test',
      'constructor',
      '__proto__',
      'localhost',
      'foo.localhost',
      'ip6-localhost',
      'xn--good.test',
    ],
  ])('%s is another name', (host) =>
    expect(ask(world, host)).toMatchObject({ verdict: 'deny', reason: 'not-allowed' }),
  );

  test.each([0, -1, 65536, 443.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is no port', (port) =>
    expect(reason(world, 'good.test', port)).toBe('malformed'),
  );

  test('what was matched is what is to be dialled', () => {
    expect(ask(world, 'A.Good.TEST.')).toMatchObject({ host: 'a.good.test', source: '*.good.test (--allow)' });
    expect(ask(world, '[::FFFF:5db8:d822]')).toMatchObject({ host: '93.184.216.34' });
  });
});

describe('rules', () => {
  test('an empty list reaches nothing', () => {
    for (const host of ['example.com', '93.184.216.34', 'localhost', '127.0.0.1', '::1'])
      expect(ask({}, host).verdict).toBe('deny');
  });

  test('a star stands for one label or more, never for none', () => {
    expect(reason({ allow: ['*.a.test'] }, 'a.test')).toBe('not-allowed');
    expect(reason({ allow: ['*.a.test'] }, 'b.a.test')).toBe('allowed');
    expect(reason({ allow: ['a.test'] }, 'b.a.test')).toBe('not-allowed');
  });

  test('without a port, 443 and 80 are open, and with one that one alone', () => {
    const ports = (allow: string, host = 'a.test') =>
      [22, 80, 443, 8443].filter((port) => reason({ allow: [allow] }, host, port) === 'allowed');
    expect(ports('a.test')).toEqual([80, 443]);
    expect(ports('a.test:8443')).toEqual([8443]);
    expect(ports('10.0.0.0/8', '10.1.2.3')).toEqual([80, 443]);
    expect(ports('10.0.0.0/8:22', '10.1.2.3')).toEqual([22]);
  });

  test('deny wins, in any order and however narrow the allow is', () => {
    const world = { allow: ['a.test', 'x.a.test', '10.0.0.1'], deny: ['*.a.test', '10.0.0.0/8'] };
    expect(reason(world, 'a.test')).toBe('allowed');
    expect(ask(world, 'X.a.test.')).toMatchObject({ reason: 'denied', source: '*.a.test (--deny)' });
    expect(ask(world, 'x.a.test')).not.toHaveProperty('fix');
    for (const host of ['10.0.0.1', '::ffff:10.0.0.1', '64:ff9b::10.0.0.1', '2002:a00:1::'])
      expect(reason(world, host)).toBe('denied');
  });

  test('a deny without a port closes every port, with one that one alone', () => {
    const world = { mode: 'full', deny: ['a.test', 'b.test:22', 'localhost'] } as const;
    expect([22, 443, 9999].map((port) => reason(world, 'a.test', port))).toEqual(['denied', 'denied', 'denied']);
    expect([22, 443].map((port) => reason(world, 'b.test', port))).toEqual(['denied', 'allowed']);
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '::', '::ffff:127.0.0.1'])
      expect(reason(world, host, 5432)).toBe('denied');
  });

  test('localhost with a port names the two addresses of localhost, no other port and no other address', () => {
    const world = { allow: ['localhost:5432'] };
    for (const host of ['localhost', 'LOCALHOST.', '127.0.0.1', '::1', '[::1]', '::ffff:127.0.0.1'])
      expect(reason(world, host, 5432)).toBe('allowed');
    for (const [host, port] of [
      ['localhost', 5433],
      ['127.0.0.2', 5432],
      ['0.0.0.0', 5432],
      ['x.localhost', 5432],
    ] as const)
      expect(ask(world, host, port).verdict).toBe('deny');
  });

  test('ten thousand names are looked up, not walked through', () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `*.n${index}.test`);
    const compiled = compilePolicy(aPolicy({ allow: names }));
    for (let round = 0; round < 10_000; round++) {
      const request = { host: `a.b.n${round}.test`, port: 443, protocol: 'http' } as const;
      expect(decide(compiled, request, { own: [] }).verdict).toBe('allow');
    }
  });
});

describe('modes', () => {
  const hosts = [
    'example.com',
    '93.184.216.34',
    'localhost',
    '127.0.0.1',
    '127.0.0.9',
    '192.168.7.7',
    '192.168.7.8',
    '0.0.0.0',
  ];
  test.each([
    ['none', []],
    ['limited', ['example.com']],
    ['host-only', ['localhost', '127.0.0.1', '127.0.0.9', '192.168.7.7']],
    ['full', hosts],
  ] as const)('%s reaches %j', (mode, reached) => {
    const world = { mode, allow: ['example.com'], own: ['192.168.7.7'] };
    expect(hosts.filter((host) => reason(world, host) === 'allowed')).toEqual(reached);
  });

  test('a deny holds in each', () => {
    for (const mode of ['host-only', 'full', 'limited'] as const)
      expect(reason({ mode, allow: ['localhost:1'], deny: ['localhost:1'] }, 'localhost', 1)).toBe('denied');
  });

  test('a malformed host is none in mode full either', () =>
    expect(reason({ mode: 'full' }, 'a.test\0.b.test')).toBe('malformed'));
});

describe('what is said', () => {
  test.each([
    [{}, 'a.test', 443, 'a.test:443 is not allowed: no rule names it', '--allow a.test'],
    [{}, 'a.test', 80, 'a.test:80 is not allowed: no rule names it', '--allow a.test'],
    [{}, 'a.test', 8443, 'a.test:8443 is not allowed: no rule names it', '--allow a.test:8443'],
    [{}, '2001:db8::1', 22, '[2001:db8::1]:22 is not allowed: no rule names it', '--allow "[2001:db8::1]:22"'],
    [{}, '127.0.0.1', 80, '127.0.0.1:80 is not allowed: no rule names it', '--allow localhost:80'],
    [
      { allow: ['a.test'] },
      'a.test',
      22,
      'a.test:22 is not allowed: a.test (--allow) opens ports 443 and 80 alone',
      '--allow a.test:22',
    ],
    [
      { allow: ['localhost:1'] },
      'localhost',
      2,
      'localhost:2 is not allowed: localhost:1 (--allow) opens port 1 alone',
      '--allow localhost:2',
    ],
    [
      { mode: 'none' },
      'a.test',
      443,
      'a.test:443 is not allowed: network mode none reaches nothing',
      '--net limited --allow a.test',
    ],
    [
      { mode: 'host-only' },
      'a.test',
      443,
      "a.test:443 is not allowed: network mode host-only reaches localhost and this machine's own addresses only",
      '--net limited --allow a.test',
    ],
    [
      { allow: ['a.test'], deny: ['*.test'] },
      'a.test',
      443,
      'a.test:443 is denied by *.test (--deny), which wins over every allow',
      undefined,
    ],
    [{ allow: ['*.b.test'] }, 'a.b.test', 443, 'a.b.test:443 is allowed by *.b.test (--allow)', undefined],
  ] as const)('%j, %s:%i', (world, host, port, sentence, fix) => {
    const decision = ask(world, host, port);
    expect([decision.sentence, decision.fix]).toEqual([sentence, fix]);
  });

  test('text of a client cannot steer a terminal, and is cut', () => {
    const decision = ask({}, `\u001b[2J${'a'.repeat(100_000)}\r\nx: y`);
    expect(decision.sentence).toMatch(/^[ -~]{1,500}$/);
    expect(decision.host.length).toBe(256);
  });
});

describe('registries', () => {
  const registries: Registries = {
    npm: {
      hosts: [
        { host: 'packages.test', port: 443 },
        { host: '10.0.0.5', port: 8081 },
        { host: 'localhost', port: 4873 },
      ],
    },
    pip: { hosts: [], problem: 'registry:pip names no host: pip is not installed' },
  };
  test('a token stands for the hosts and ports that were found, and for no other', () => {
    const world = { allow: ['registry:npm'], registries };
    expect(ask(world, 'packages.test')).toMatchObject({ verdict: 'allow', source: 'registry:npm (--allow)' });
    expect(reason(world, '10.0.0.5', 8081)).toBe('allowed');
    expect(reason(world, 'localhost', 4873)).toBe('allowed');
    expect(reason(world, 'packages.test', 80)).toBe('not-allowed');
    expect(reason(world, 'x.packages.test')).toBe('not-allowed');
  });

  test('one that was not resolved stands for nothing, and why is said', () => {
    const decision = ask({ allow: ['registry:pip'], registries }, 'index.test');
    expect(decision.sentence).toBe(
      'index.test:443 is not allowed: no rule names it; registry:pip names no host: pip is not installed',
    );
    expect(reason({ allow: ['registry:npm'] }, 'packages.test')).toBe('not-allowed');
  });

  test('it can be denied', () =>
    expect(reason({ mode: 'full', deny: ['registry:npm'], registries }, 'packages.test')).toBe('denied'));
});

describe('names that resolve inside', () => {
  const known = (world: World, name: string) => decideName(compilePolicy(aPolicy(world)), name);
  test.each([
    [{ allow: ['a.test:22'] }, 'A.test.', true],
    [{ allow: ['*.a.test'] }, 'a.test', false],
    [{ allow: ['*.a.test'] }, 'b.a.test', true],
    [{}, 'a.test', false],
    [{ allow: ['1.2.3.4'] }, '1.2.3.4', false],
    [{ allow: ['a.test'], deny: ['a.test'] }, 'a.test', false],
    [{ allow: ['a.test'], deny: ['a.test:22'] }, 'a.test', true],
    [{ mode: 'none', allow: ['a.test'] }, 'a.test', false],
    [{ mode: 'full' }, 'a.test', true],
    [{ mode: 'full' }, 'a..test', false],
    [{ mode: 'host-only' }, 'a.test', false],
    [{ mode: 'host-only' }, 'localhost', true],
    [{ allow: ['localhost:1'] }, 'localhost', true],
  ] as const)('%j: %s %s', (world, name, is) => expect(known(world, name)).toBe(is));
});
