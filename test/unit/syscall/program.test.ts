import { describe, expect, test } from 'vitest';
import { Program } from '../../../src/syscall/program.ts';

const load = 0x1000_0000;

/** One instruction of 64 bytes as it must be in memory. */
const instruction = (parts: {
  readonly code: number;
  readonly mask?: number;
  readonly args?: readonly (number | bigint)[];
  readonly onFailure?: number;
  readonly into?: number;
}): Buffer => {
  const out = Buffer.alloc(64);
  out.writeUInt32LE(parts.code, 0);
  out.writeUInt32LE(parts.mask ?? 0, 4);
  parts.args?.forEach((value, index) => {
    out.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 8 + 8 * index);
  });
  out.writeUInt32LE(parts.onFailure ?? 0, 56);
  out.writeUInt32LE(parts.into ?? 0, 60);
  return out;
};

/** A rendered program: the length, the instructions, the data. */
const rendered = (instructions: readonly Buffer[], data: Buffer): Buffer => {
  const body = Buffer.concat([...instructions, data]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(body.length));
  return Buffer.concat([length, body]);
};

const words = (...values: readonly (number | bigint)[]): Buffer => {
  const out = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => {
    out.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), index * 8);
  });
  return out;
};

test('an empty program is its length alone', () => {
  expect(new Program('x64').render()).toEqual(words(0));
});

describe('a call', () => {
  test('has the number of its architecture and a slot for its result behind the code', () => {
    for (const [arch, code] of [
      ['x64', 231],
      ['arm64', 94],
    ] as const) {
      const program = new Program(arch);
      program.call('exit_group', [7]);
      expect(program.render()).toEqual(rendered([instruction({ code, args: [7], into: load + 64 })], words(0)));
    }
  });

  test('takes numbers, data by address, and slots by what they hold', () => {
    const program = new Program('x64');
    const text = program.bytes(Buffer.from('hi!'));
    const fd = program.valueAt(program.words([5]));
    program.call('write', [fd, text, 3, -1, 0xffff_ffff, -0x8000_0000]);
    const data = load + 64;
    expect(program.render()).toEqual(
      rendered(
        [
          instruction({
            code: 1,
            mask: 0b1,
            args: [data + 8, data, 3, -1, 0xffff_ffff, -0x8000_0000],
            into: data + 16,
          }),
        ],
        Buffer.concat([Buffer.from('hi!\0\0\0\0\0'), words(5, 0)]),
      ),
    );
  });

  test('may write its result into a slot that exists, and its address is data', () => {
    const program = new Program('x64');
    const record = program.bytes(Buffer.alloc(16));
    const into = program.valueAt(record, 8);
    expect(program.call('getpid', [], { into })).toBe(into);
    program.call('close', [program.addressOf(into)]);
    const data = load + 128;
    expect(program.render()).toEqual(
      rendered(
        [instruction({ code: 39, into: data + 8 }), instruction({ code: 3, args: [data + 8], into: data + 16 })],
        words(0, 0, 0),
      ),
    );
  });

  test.each([2 ** 32, 2 ** 53, -(2 ** 31) - 1, -(2 ** 33), 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'with the number %s is refused: it does not fit',
    (value) => {
      expect(() => new Program('x64').call('close', [value])).toThrow(RangeError);
    },
  );

  test('of a name that the architecture lacks is refused while the program is built', () => {
    expect(() => new Program('arm64').call('iopl', [3])).toThrow(new RangeError('arm64 has no system call iopl'));
  });

  test('may have all six arguments in slots', () => {
    const program = new Program('x64');
    const slots = [1, 2, 3, 4, 5, 6].map((value) => program.valueAt(program.words([value])));
    program.call('prctl', slots);
    const data = load + 64;
    expect(program.render()).toEqual(
      rendered(
        [
          instruction({
            code: 157,
            mask: 0b111111,
            args: [data, data + 8, data + 16, data + 24, data + 32, data + 40],
            into: data + 48,
          }),
        ],
        words(1, 2, 3, 4, 5, 6, 0),
      ),
    );
  });
});

describe('a failure', () => {
  test('without a place to go on has none, `ignore` means the next instruction, a label its place', () => {
    const program = new Program('x64');
    const end = program.label();
    const start = program.here();
    const into = program.slot();
    program.call('getpid', [], { into });
    program.call('getpid', [], { into, onFailure: 'ignore' });
    program.call('getpid', [], { into, onFailure: end });
    program.call('getpid', [], { into, onFailure: start });
    program.place(end);
    const data = load + 4 * 64;
    expect(program.render()).toEqual(
      rendered(
        [
          instruction({ code: 39, into: data }),
          instruction({ code: 39, into: data, onFailure: load + 2 * 64 }),
          instruction({ code: 39, into: data, onFailure: load + 4 * 64 }),
          instruction({ code: 39, into: data, onFailure: load }),
        ],
        words(0),
      ),
    );
  });

  test('is told by call and goal of the instruction at its offset', () => {
    const program = new Program('x64');
    program.call('getpid', []);
    program.goal = 'first';
    program.call('close', [1]);
    program.jump(program.here());
    program.call('close', [2]);
    program.goal = 'second';
    program.call('getpid', []);
    expect([0, 64, 128, 192, 256, 320, 32, -64].map((offset) => program.stepAt(offset))).toEqual([
      { goal: '', call: 'getpid' },
      { goal: 'first', call: 'close' },
      undefined,
      { goal: 'first', call: 'close' },
      { goal: 'second', call: 'getpid' },
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('that ends nothing is not told: another call follows it', () => {
    const program = new Program('x64');
    program.goal = 'try';
    program.call('getpid', [], { onFailure: 'ignore' });
    program.call('getpid', [], { onFailure: program.here() });
    expect([0, 64].map((offset) => program.stepAt(offset))).toEqual([undefined, undefined]);
  });
});

describe('operations', () => {
  test('a jump compares, and its third argument is where to go', () => {
    const program = new Program('x64');
    const [a, end] = [program.valueAt(program.words([4])), program.label()];
    program.jumpIfEqual(a, -2, end);
    program.jump(end);
    program.place(end);
    const data = load + 128;
    expect(program.render()).toEqual(
      rendered(
        [
          instruction({ code: 0x8000_0001, mask: 0b1, args: [data, -2, data] }),
          instruction({ code: 0x8000_0001, args: [0, 0, data] }),
        ],
        words(4),
      ),
    );
  });

  test('`and` and `subtract` have a result of their own unless they are told where it goes', () => {
    const program = new Program('arm64');
    const a = program.valueAt(program.words([12]));
    expect(program.and(a, 0xff, a)).toBe(a);
    program.subtract(0, a);
    expect(program.subtract(a, 1, a)).toBe(a);
    program.and(a, a);
    const data = load + 4 * 64;
    expect(program.render()).toEqual(
      rendered(
        [
          instruction({ code: 0x8000_0002, mask: 0b1, args: [data, 0xff], into: data }),
          instruction({ code: 0x8000_0003, mask: 0b10, args: [0, data], into: data + 8 }),
          instruction({ code: 0x8000_0003, mask: 0b1, args: [data, 1], into: data }),
          instruction({ code: 0x8000_0002, mask: 0b11, args: [data, data], into: data + 16 }),
        ],
        words(12, 0, 0),
      ),
    );
  });

  test('a label that was never placed is refused when the program is rendered', () => {
    const program = new Program('x64');
    program.jump(program.label());
    expect(() => program.render()).toThrow('a label of the program was never placed');
  });

  test('a label for a failure that was never placed is refused too', () => {
    const program = new Program('x64');
    program.call('getpid', [], { onFailure: program.label() });
    expect(() => program.render()).toThrow('a label of the program was never placed');
  });
});

describe('each', () => {
  test('without rows appends nothing', () => {
    const program = new Program('x64');
    program.each([], () => {
      throw new Error('there is no row');
    });
    expect(program.render()).toEqual(words(0));
  });

  test('appends its body once, however many rows there are, with a slot for each word of a row', () => {
    const count = (rows: number): { instructions: number; bodies: number; slots: number } => {
      const program = new Program('x64');
      let [bodies, slots] = [0, 0];
      program.each(
        Array.from({ length: rows }, (_, row) => [row, program.string(`${row}`)]),
        (row) => {
          bodies++;
          slots = row.length;
        },
      );
      return { instructions: program.here().at ?? 0, bodies, slots };
    };
    expect(count(1)).toEqual({ instructions: 8, bodies: 1, slots: 2 });
    expect(count(1000)).toEqual(count(1));
  });

  test('takes as many rows as a pipe holds and not one more', () => {
    const rows = (count: number) => Array.from({ length: count }, () => [1, 2]);
    expect(() => new Program('x64').each(rows(4096), () => {})).not.toThrow();
    expect(() => new Program('x64').each(rows(4097), () => {})).toThrow(RangeError);
  });
});

describe('data', () => {
  test('equal strings share their place, are UTF-8 and end with a zero', () => {
    const program = new Program('x64');
    const first = program.string('é');
    expect(program.string('é')).toBe(first);
    expect(program.string('e')).not.toBe(first);
    expect(program.render()).toEqual(rendered([], Buffer.from('é\0\0\0\0\0\0e\0\0\0\0\0\0\0')));
  });

  test('a string that fills its words still ends with a zero', () => {
    const program = new Program('x64');
    program.string('12345678');
    expect(program.render()).toEqual(rendered([], Buffer.from('12345678\0\0\0\0\0\0\0\0')));
  });

  test('bytes of equal content have places of their own', () => {
    const program = new Program('x64');
    expect(program.bytes(Buffer.from('a'))).not.toEqual(program.bytes(Buffer.from('a')));
  });

  test('words may be negative, large, or pointers; an array of pointers ends with a zero', () => {
    const program = new Program('x64');
    const text = program.string('a');
    program.words([-1, 0x8000_0000_0000_0000n, text]);
    program.pointers([text, text]);
    program.call('getpid', []);
    const data = load + 64;
    expect(program.render()).toEqual(
      rendered(
        [instruction({ code: 39, into: data + 56 })],
        Buffer.concat([Buffer.from('a\0\0\0\0\0\0\0'), words(-1, 1n << 63n, data, data, data, 0, 0)]),
      ),
    );
  });

  test('constant words that are equal share their place, others and words that may change do not', () => {
    const program = new Program('x64');
    const first = program.constantWords([1, 2]);
    expect(program.constantWords([1, 2])).toBe(first);
    for (const other of [program.constantWords([2, 1]), program.constantWords([12]), program.words([1, 2])]) {
      expect(other.offset).not.toBe(first.offset);
    }
    expect(program.render()).toEqual(rendered([], words(1, 2, 2, 1, 12, 1, 2)));
  });

  test('a program may outgrow what it began with', () => {
    const program = new Program('x64');
    const into = program.slot();
    const large = Buffer.alloc(100_000, 'x');
    const text = program.bytes(large);
    const pointer = program.words([text]);
    for (let index = 0; index < 5000; index++) program.call('close', [index], { into });
    program.call('close', [pointer], { into });
    const out = program.render();
    const codeBytes = 5001 * 64;
    expect(out.length).toBe(8 + codeBytes + 8 + 100_000 + 8);
    expect(out.subarray(8 + 4999 * 64, 8 + 5001 * 64)).toEqual(
      Buffer.concat([
        instruction({ code: 3, args: [4999], into: load + codeBytes }),
        instruction({ code: 3, args: [load + codeBytes + 8 + 100_000], into: load + codeBytes }),
      ]),
    );
    expect(out.subarray(8 + codeBytes + 8)).toEqual(Buffer.concat([large, words(load + codeBytes + 8)]));
  });

  test('what is appended is copied', () => {
    const program = new Program('x64');
    const content = Buffer.from('before');
    program.bytes(content);
    content.fill('x');
    expect(program.render()).toEqual(rendered([], Buffer.from('before\0\0')));
  });

  test('rendering twice gives the same', () => {
    const program = new Program('x64');
    program.call('close', [program.string('x')], { onFailure: 'ignore' });
    expect(program.render()).toEqual(program.render());
  });
});
