import { describe, expect, test } from 'vitest';
import { batchAddress, batchBytes, beginBatch, endBatch, known, scratch } from '../../../src/syscall/batch.ts';
import { archs } from '../../../src/syscall/numbers.ts';

describe.each(archs)('a batch on %s', (arch) => {
  test('ends with a jump to where the broker waits', () => {
    const program = beginBatch(arch);
    program.call('close', [5], { onFailure: 'ignore' });
    const bytes = endBatch(program);
    const jump = bytes.subarray(8 + 64);
    expect(jump.readUInt32LE(0)).toBe(0x8000_0001);
    expect(jump.readUInt32LE(4)).toBe(0b100); // the third argument is read at run time
    expect([0, 1, 2].map((index) => Number(jump.readBigUInt64LE(8 + 8 * index)))).toEqual([
      0,
      0,
      known.returnTo.address,
    ]);
  });

  test('points to its data where it will lie', () => {
    const program = beginBatch(arch);
    program.call('write', [1, program.string('text'), 4], { onFailure: 'ignore' });
    const bytes = endBatch(program);
    const instructions = 2 * 64;
    expect(Number(bytes.readBigUInt64LE(8 + 16))).toBe(batchAddress + instructions);
    expect(bytes.readUInt32LE(0)).toBe(bytes.length - 8);
    expect(bytes.toString('latin1', 8 + instructions, 8 + instructions + 4)).toBe('text');
  });
});

test('batches lie behind what the broker tells them, and within its memory', () => {
  const words = Object.values(known).map(({ address }) => address);
  expect(new Set(words).size).toBe(words.length);
  for (const address of words) {
    expect(address).toBeGreaterThanOrEqual(scratch.address);
    expect(address + 8).toBeLessThanOrEqual(batchAddress);
  }
  expect(batchAddress + batchBytes).toBe(scratch.address + scratch.bytes);
});
