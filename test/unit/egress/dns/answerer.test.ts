import { expect, test } from 'vitest';
import type { EgressEvent } from '../../../../src/domain/decision.ts';
import { type AnswererOptions, openAnswerer } from '../../../../src/egress/dns/answerer.ts';
import { recordType } from '../../../../src/egress/dns/message.ts';
import { openStandIns } from '../../../../src/egress/dns/stand-ins.ts';
import { anOpt, aQuery, readReply } from '../../../support/dns.ts';
import { standInEgress } from '../../../support/stand-in-egress.ts';

const setUp = (changes: Partial<AnswererOptions> = {}) => {
  const events: EgressEvent[] = [];
  const egress = standInEgress({ 'a.test:443': 1, 'box:80': 1 });
  const answer = openAnswerer({ egress, standIns: openStandIns(), onEvent: (event) => events.push(event), ...changes });
  const ask = async (name: string, type: number) => {
    const { code, answers } = readReply(await answer(aQuery(name, type)));
    return [code, ...answers];
  };
  return { ask, answer, events };
};

test('a name that may be reached has a stand-in, one that may not does not exist', async () => {
  const { ask } = setUp();
  expect(await ask('A.test', recordType.A)).toEqual([0, '198.18.1.0']);
  expect(await ask('a.test', recordType.ANY)).toEqual([0, '198.18.1.0']);
  expect(await ask('b.test', recordType.A)).toEqual([3]);
  expect(await ask('x.a.test', recordType.A)).toEqual([3]);
});

test.each([recordType.AAAA, 65, 64, 16, 33, 15, 2])(
  'type %i of a known name is empty, so that clients take the stand-in',
  async (type) => {
    expect(await setUp().ask('a.test', type)).toEqual([0]);
  },
);

test('localhost is this machine', async () => {
  const { ask } = setUp();
  expect(await ask('localhost', recordType.A)).toEqual([0, '127.0.0.1']);
  expect(await ask('x.localhost', recordType.AAAA)).toEqual([0, `${'0'.repeat(31)}1`]);
  expect(await ask('1.0.0.127.in-addr.arpa', recordType.PTR)).toEqual([0, 'localhost']);
  expect(await ask(`1.${'0.'.repeat(31)}ip6.arpa`, recordType.PTR)).toEqual([0, 'localhost']);
});

test('a stand-in leads back to its name, another address to none', async () => {
  const { ask } = setUp();
  await ask('a.test', recordType.A);
  expect(await ask('0.1.18.198.in-addr.arpa', recordType.PTR)).toEqual([0, 'a.test']);
  expect(await ask('1.1.18.198.in-addr.arpa', recordType.PTR)).toEqual([3]);
});

test('a name with addresses of its own keeps them', async () => {
  const { ask } = setUp({ hosts: { sandbox: ['127.0.0.1', 'fd00::1:2'] } });
  expect(await ask('sandbox', recordType.A)).toEqual([0, '127.0.0.1']);
  expect(await ask('sandbox', recordType.AAAA)).toEqual([0, 'fd000000000000000000000000010002']);
  expect(await ask('constructor', recordType.A)).toEqual([3]);
});

test('a refused name is told once, with what would allow it', async () => {
  const { ask, events } = setUp();
  for (const type of [1, 28, 1]) await ask('b.test', type);
  expect(events.map(({ decision }) => decision)).toEqual([
    expect.objectContaining({ verdict: 'deny', host: 'b.test', protocol: 'dns', fix: '--allow b.test' }),
  ]);
});

test('names that a resolver makes up are refused without a word', async () => {
  const { ask, events } = setUp({ searchDomains: ['corp.test'] });
  expect(await ask('b', recordType.A)).toEqual([3]);
  expect(await ask('a.test.corp.test', recordType.A)).toEqual([3]);
  expect(await ask('box', recordType.A)).toEqual([0, '198.18.1.0']);
  expect(events).toEqual([]);
});

test('what can not be answered has its code', async () => {
  const { answer } = setUp();
  expect(readReply(await answer(aQuery('a.test', 1, { additional: [anOpt(1)] })))).toMatchObject({
    code: 0,
    opt: { extendedCode: 1 },
  });
  const chaos = aQuery('a.test', 1);
  chaos.set([3], chaos.length - 1);
  expect(readReply(await answer(chaos)).code).toBe(5);
  expect(readReply(await answer(Buffer.from([1, 2, 3])))).toMatchObject({ id: 0x0102, code: 1 });
});

test('a policy that fails is a failure of the server, not a name', async () => {
  const egress = { knowsName: () => Promise.reject(new Error('x')), decide: () => Promise.reject(new Error('x')) };
  expect(await setUp({ egress }).ask('a.test', 1)).toEqual([2]);
});
