import { expect, test } from 'vitest';
import { parseRecords, recordTag, renderRecord } from '../../../src/syscall/records.ts';

const record = (tag: number, index: number, value: bigint): Buffer => {
  const bytes = renderRecord(tag, index);
  bytes.writeBigInt64LE(value, 8);
  return bytes;
};

test('every kind of record is read', () => {
  const bytes = Buffer.concat([
    record(recordTag.failed, 128, -1n),
    record(recordTag.status, 0, 0x0100n),
    record(recordTag.stopped, 0, 0x147fn),
    record(recordTag.answer, 3, -38n),
    record(recordTag.exec, 0, -13n),
  ]);
  expect(parseRecords(bytes)).toEqual([
    { kind: 'failed', offset: 128, errno: 1 },
    { kind: 'status', status: 0x0100 },
    { kind: 'stopped', status: 0x147f },
    { kind: 'answer', index: 3, value: -38 },
    { kind: 'exec', errno: 13 },
  ]);
});

test('a record that has not arrived whole is left out', () => {
  const bytes = Buffer.concat([record(recordTag.status, 0, 1n), record(recordTag.status, 0, 2n).subarray(0, 15)]);
  expect(parseRecords(bytes)).toEqual([{ kind: 'status', status: 1 }]);
  expect(parseRecords(Buffer.alloc(0))).toEqual([]);
});

test('a tag that no program writes is an error', () => {
  expect(() => parseRecords(record(99, 0, 0n))).toThrow('unknown record 99');
  expect(() => parseRecords(Buffer.alloc(16))).toThrow('unknown record 0');
});
