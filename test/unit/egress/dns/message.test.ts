import { expect, test } from 'vitest';
import { parseQuery, recordType, renderName, renderReply, responseCode } from '../../../../src/egress/dns/message.ts';
import { anOpt, aQuery, readReply } from '../../../support/dns.ts';

test('a query is read, its name in lower case', () => {
  expect(parseQuery(aQuery('WWW.Example.com', recordType.A, { id: 7 }))).toMatchObject({
    kind: 'query',
    id: 7,
    name: 'www.example.com',
    type: 1,
    class: 1,
    edns: undefined,
  });
});

test('the question comes back as it was sent, with an answer to it', () => {
  const query = parseQuery(aQuery('WwW.eXample.com', recordType.A, { id: 9 }));
  const reply = renderReply(query, responseCode.noError, [
    { type: 1, ttlSeconds: 60, data: Buffer.from([198, 18, 1, 0]) },
  ]);
  expect(readReply(reply)).toEqual({
    id: 9,
    code: 0,
    question: 'WwW.eXample.com',
    answers: ['198.18.1.0'],
    opt: undefined,
  });
  expect(reply.readUInt16BE(2)).toBe(0x8180);
});

test('EDNS is answered with EDNS', () => {
  const query = parseQuery(aQuery('a.test', recordType.A, { additional: [anOpt()] }));
  expect(query).toMatchObject({ edns: 0 });
  expect(readReply(renderReply(query, responseCode.badVersion)).opt).toEqual({ size: 1232, extendedCode: 1 });
});

const plain = aQuery('a.test', recordType.A);
const changed = (offset: number, ...values: number[]): Buffer => {
  const bytes = Buffer.from(plain);
  bytes.set(values, offset);
  return bytes;
};

test.each([
  ['nothing', Buffer.alloc(0), responseCode.formatError],
  ['half a head', plain.subarray(0, 7), responseCode.formatError],
  ['an answer', changed(2, 0x80), responseCode.formatError],
  ['no question', changed(4, 0, 0), responseCode.formatError],
  ['two questions', changed(4, 0, 2), responseCode.formatError],
  ['an answer in a query', changed(6, 0, 1), responseCode.formatError],
  ['a status query', changed(2, 0x10), responseCode.notImplemented],
  ['an update', changed(2, 0x28), responseCode.notImplemented],
  ['a question that is cut', plain.subarray(0, -1), responseCode.formatError],
  ['a name that points to itself', changed(12, 0xc0, 12), responseCode.formatError],
  ['a label of an unknown form', changed(12, 0x40), responseCode.formatError],
  ['a label of 64 bytes', aQuery(`${'x'.repeat(64)}.test`, 1), responseCode.formatError],
  ['something behind the question', Buffer.concat([plain, Buffer.from([0])]), responseCode.formatError],
  ['two OPT records', aQuery('a.test', 1, { additional: [anOpt(), anOpt()] }), responseCode.formatError],
  ['a name of more than 255 bytes', aQuery(Array(5).fill('x'.repeat(60)).join('.'), 1), responseCode.formatError],
])('%s is refused by its code', (_what, bytes, code) => {
  expect(parseQuery(bytes)).toMatchObject({ kind: 'bad', code });
});

test('a label with a dot or a NUL in it is no host name', () => {
  for (const odd of ['evil\0', 'a b', 'é'])
    expect(parseQuery(aQuery(`${odd}.test`, 1))).toMatchObject({ name: undefined });
  const dotted = aQuery('a.test', 1);
  dotted.set([6, 0x61, 0x2e, 0x74, 0x65, 0x73, 0x74], 12);
  expect(parseQuery(dotted)).toMatchObject({ kind: 'query', name: undefined });
});

test('names are written as labels', () => {
  expect(renderName('a.test')).toEqual(Buffer.from('\x01a\x04test\x00', 'latin1'));
});

test('no change of some bytes makes it throw, and every reply can be read', () => {
  const query = aQuery('www.example.com', recordType.A, { additional: [anOpt()] });
  let seed = 42;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return (seed >> 8) % below;
  };
  for (let round = 0; round < 2_000; round += 1) {
    const bytes = Buffer.from(query.subarray(0, random(query.length + 1)));
    for (let left = random(4); left > 0 && bytes.length > 0; left -= 1) bytes[random(bytes.length)] = random(256);
    const parsed = parseQuery(bytes);
    const reply = renderReply(parsed, parsed.kind === 'bad' ? parsed.code : responseCode.noName);
    expect(reply.length).toBeLessThanOrEqual(512);
    expect(reply.readUInt16BE(2) & 0x8000).toBe(0x8000);
  }
});
