import type { Duplex } from 'node:stream';
import { describe, expect } from 'vitest';
import { archs } from '../../../src/syscall/numbers.ts';
import { Program, type Slot } from '../../../src/syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../../../src/syscall/records.ts';
import { interpreterNeeds, openInterpreter, untilEnd } from '../../support/interpreter.ts';
import { needs } from '../../support/needs.ts';

const EBADF = 9;
const EFAULT = 14;

describe.each(archs)('%s', (arch) => {
  const interpreter = openInterpreter(arch);
  const test = needs(...interpreterNeeds(arch));
  const begin = () => new Program(arch);
  type P = ReturnType<typeof begin>;

  const say = (program: P, text: string) => program.call('write', [1, program.string(text), Buffer.byteLength(text)]);
  const number = (program: P, value: number | bigint): Slot =>
    program.valueAt(program.words([typeof value === 'bigint' ? BigInt.asUintN(64, value) : value]));
  /** Writes an answer with the content of a slot. */
  const answer = (program: P, index: number, slot: Slot): void => {
    const record = program.bytes(renderRecord(recordTag.answer, index));
    program.and(slot, -1, program.valueAt(record, 8));
    program.call('write', [3, record, recordBytes]);
  };

  test('calls are made in order, and the last one is the exit', async () => {
    const program = begin();
    say(program, 'one ');
    say(program, 'two');
    program.call('exit_group', [42]);
    expect(await interpreter.run(program)).toMatchObject({ code: 42, stdout: 'one two', records: [] });
  });

  test('the result of a call is what a later call gets from its slot', async () => {
    const program = begin();
    const text = program.string('hello');
    const length = program.call('write', [1, text, 3]);
    program.call('write', [1, text, length]);
    program.call('exit_group', [length]);
    expect(await interpreter.run(program)).toMatchObject({ code: 3, stdout: 'helhel' });
  });

  test('all six arguments may come from slots', async () => {
    const program = begin();
    const zero = number(program, 0);
    const [name, value] = [number(program, 38), number(program, 1)]; // PR_SET_NO_NEW_PRIVS
    program.call('prctl', [name, value, zero, zero, zero, zero]);
    const now = program.call('prctl', [number(program, 39), zero, zero, zero, zero, zero]);
    program.call('exit_group', [now]);
    expect(await interpreter.run(program)).toMatchObject({ code: 1, records: [] });
  });

  test('a program answers over the channel', async () => {
    const program = begin();
    answer(program, 0, program.call('getpid', []));
    answer(program, 7, number(program, -123));
    program.call('exit_group', [0]);
    const { code, records } = await interpreter.run(program);
    expect(code).toBe(0);
    expect(records).toEqual([
      { kind: 'answer', index: 0, value: expect.any(Number) },
      { kind: 'answer', index: 7, value: -123 },
    ]);
  });

  test('a failure without a place to go on is reported with offset and error number, and nothing more is done', async () => {
    const program = begin();
    say(program, 'before');
    program.goal = 'close what is not open';
    program.call('close', [77]);
    program.goal = 'go on';
    say(program, 'after');
    program.call('exit_group', [0]);
    const end = await interpreter.run(program);
    expect(end).toMatchObject({
      code: 1,
      signal: null,
      stdout: 'before',
      records: [{ kind: 'failed', offset: 64, errno: EBADF }],
    });
    expect(program.stepAt(64)).toEqual({ goal: 'close what is not open', call: 'close' });
  });

  test('a failure of the very first call has offset 0', async () => {
    const program = begin();
    program.call('write', [1, 0, 5]);
    expect((await interpreter.run(program)).records).toEqual([{ kind: 'failed', offset: 0, errno: EFAULT }]);
  });

  test('an ignored failure goes on with the next call and keeps the error in the slot', async () => {
    const program = begin();
    const result = program.call('close', [77], { onFailure: 'ignore' });
    answer(program, 0, result);
    program.call('exit_group', [0]);
    expect(await interpreter.run(program)).toMatchObject({
      code: 0,
      records: [{ kind: 'answer', index: 0, value: -EBADF }],
    });
  });

  test('a failure with a label goes there, a success does not', async () => {
    const program = begin();
    const [onFailure, end] = [program.label(), program.label()];
    program.call('getpid', [], { onFailure });
    say(program, 'success ');
    program.call('close', [77], { onFailure });
    say(program, 'never ');
    program.place(end);
    program.call('exit_group', [4]);
    program.place(onFailure);
    say(program, 'failure');
    program.jump(end);
    expect(await interpreter.run(program)).toMatchObject({ code: 4, stdout: 'success failure' });
  });

  test('a call that fails on purpose may go back, and a loop ends when its counter does', async () => {
    const program = begin();
    const counter = number(program, 5);
    const [again, done] = [program.here(), program.label()];
    program.jumpIfEqual(counter, 0, done);
    say(program, '.');
    program.subtract(counter, 1, counter);
    program.call('close', [77], { onFailure: again });
    program.place(done);
    program.call('exit_group', [0]);
    expect(await interpreter.run(program)).toMatchObject({ code: 0, stdout: '.....' });
  });

  test.each([
    [0, 0, true],
    [1, 2, false],
    [-1, -1, true],
    [-1, 0xffff_ffff, false],
    [0xffff_ffff, 0x7fff_ffff, false],
  ])('%s and %s are equal in 64 bits: %s', async (a, b, equal) => {
    const program = begin();
    const target = program.label();
    program.jumpIfEqual(a, b, target);
    program.call('exit_group', [10]);
    program.place(target);
    program.call('exit_group', [11]);
    expect((await interpreter.run(program)).code).toBe(equal ? 11 : 10);
  });

  test.each<[string, bigint, bigint, bigint, bigint]>([
    ['small numbers', 12n, 10n, 8n, 2n],
    ['below zero', 1n, 2n, 0n, -1n],
    [
      'the high half',
      0x7fff_0000_0000_0001n,
      0x0fff_0000_0000_0003n,
      0x0fff_0000_0000_0001n,
      0x7000_0000_0000_0000n - 2n,
    ],
    ['a wrap at 2^63', -0x8000_0000_0000_0000n, 1n, 0n, 0x7fff_ffff_ffff_ffffn],
    ['-4095, which is no failure here', 0n, 4095n, 0n, -4095n],
  ])('`and` and `subtract` of %s', async (_, a, b, both, difference) => {
    const program = begin();
    const [left, right] = [number(program, a), number(program, b)];
    program.call('write', [3, program.addressOf(program.and(left, right)), 8]);
    program.call('write', [3, program.addressOf(program.subtract(left, right)), 8]);
    program.call('exit_group', [0]);
    const { channel } = await interpreter.send([program.render()]);
    expect([channel.readBigInt64LE(0), channel.readBigInt64LE(8)]).toEqual([both, difference]);
  });

  test('a result may replace its own operand', async () => {
    const program = begin();
    const value = number(program, 0b1110);
    program.and(value, 0b0111, value);
    program.subtract(value, value, value);
    program.call('exit_group', [value]);
    expect((await interpreter.run(program)).code).toBe(0);
  });

  test('each row of data is gone through once, in order, and a failure may lead to the next', async () => {
    const program = begin();
    const rows = ['one ', 'never ', 'two ', 'three'].map((text): [number, ReturnType<P['string']>, number] => [
      text === 'never ' ? 77 : 1,
      program.string(text),
      text.length,
    ]);
    program.each(rows, ([fd, text, length], next) => {
      program.call('write', [fd as Slot, text as Slot, length as Slot], { onFailure: next });
      say(program, '| ');
    });
    say(program, ' end');
    program.call('exit_group', [0]);
    expect(await interpreter.run(program)).toMatchObject({ code: 0, stdout: 'one | two | three|  end', records: [] });
  });

  test('as many rows as a pipe holds, one pass after another', async () => {
    const program = begin();
    const [count, sum] = [4096, number(program, 0)];
    for (let pass = 0; pass < 2; pass++) {
      program.each(
        Array.from({ length: count }, (_, index) => [index, -index]),
        ([up]) => program.subtract(sum, up as Slot, sum),
      );
    }
    answer(program, 0, sum);
    program.call('exit_group', [0]);
    expect((await interpreter.run(program)).records).toEqual([
      { kind: 'answer', index: 0, value: -count * (count - 1) },
    ]);
  });

  test('a program that arrives in pieces runs once it is complete', async () => {
    const program = begin();
    say(program, 'whole');
    program.call('exit_group', [0]);
    const bytes = program.render();
    const cuts = [0, 8, 9, 70, 100, bytes.length - 1, bytes.length];
    const parts = cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
    expect(await interpreter.send(parts)).toMatchObject({ code: 0, stdout: 'whole' });
  });

  test('a program larger than a socket holds is read as a whole', async () => {
    const program = begin();
    const large = program.bytes(Buffer.alloc(2 * 1024 * 1024, 'x'));
    program.call('write', [1, program.addressOf(program.valueAt(large, 2 * 1024 * 1024 - 8)), 8]);
    program.call('exit_group', [0]);
    expect(await interpreter.run(program)).toMatchObject({ code: 0, stdout: 'xxxxxxxx' });
  });

  test.each([
    ['nothing at all', 0],
    ['half of the length', 4],
    ['the length alone', 8],
    ['a part of the first instruction', 40],
    ['all but the last byte', -1],
  ])('of a truncated program nothing runs: %s', async (_, bytes) => {
    const program = begin();
    say(program, 'must not be seen');
    program.call('exit_group', [0]);
    const whole = program.render();
    const sent = whole.subarray(0, bytes < 0 ? whole.length + bytes : bytes);
    expect(await interpreter.send([sent])).toEqual({ code: 1, signal: null, stdout: '', channel: Buffer.alloc(0) });
  });

  test.each([
    ['zero', 0n],
    ['more than there is memory', 0x7fff_ffff_ffff_0000n],
    ['negative', 0xffff_ffff_ffff_ffffn],
  ])('a length that is %s ends it at once', async (_, length) => {
    const bytes = Buffer.alloc(8 + 64);
    bytes.writeBigUInt64LE(length);
    expect(await interpreter.send([bytes])).toMatchObject({ code: 1, signal: null });
  });

  test('without a channel it ends at once', async () => {
    expect(await untilEnd(interpreter.start('ignore'))).toMatchObject({ code: 1, signal: null });
  });

  test('a report that nobody reads does not keep it alive', async () => {
    const program = begin();
    program.call('rt_sigprocmask', [0, program.words([0xffff_ffff_ffff_ffffn]), 0, 8]); // as a supervisor: no SIGPIPE
    const byte = program.slot();
    program.call('read', [3, program.addressOf(byte), 1]); // until the other end is closed
    say(program, 'closed');
    program.call('close', [77]);
    program.call('exit_group', [0]);
    const child = interpreter.start('pipe');
    const channel = child.stdio[3] as Duplex;
    channel.write(program.render(), () => channel.destroy());
    expect(await untilEnd(child)).toMatchObject({ code: 1, signal: null, stdout: 'closed' });
  });
});
