/** Classic BPF as seccomp(2) runs it over struct seccomp_data: 8 bytes an instruction. */
const code = { load: 0x20, jumpEqual: 0x15, jumpAtLeast: 0x35, jumpAnySet: 0x45, and: 0x54, return: 0x06 } as const;

/** Offsets into struct seccomp_data (linux/seccomp.h). Arguments have 64 bits; the kernel looks at the low half of an int. */
export const seccompData = {
  number: 0,
  arch: 4,
  low: (argument: number): number => 16 + 8 * argument,
} as const;

/** What a filter answers (seccomp(2)). */
export const verdict = {
  allow: 0x7fff_0000,
  killProcess: 0x8000_0000,
  /** seccomp_unotify(2) */
  notify: 0x7fc0_0000,
  errno: (number: number): number => 0x0005_0000 | number,
} as const;

export type Test = 'equal' | 'atLeast' | 'anySet';
const testCode: Record<Test, number> = { equal: code.jumpEqual, atLeast: code.jumpAtLeast, anySet: code.jumpAnySet };

/** A filter in the making. The accumulator holds the last loaded word. */
export class Filter {
  readonly #words: { code: number; onTrue: number; onFalse: number; operand: number }[] = [];

  load(offset: number): void {
    this.#push(code.load, 0, 0, offset);
  }

  /** Masks the accumulator. */
  and(mask: number): void {
    this.#push(code.and, 0, 0, mask);
  }

  return(answer: number): void {
    this.#push(code.return, 0, 0, answer);
  }

  /** Answers at once if the accumulator meets (or, with `unless`, does not meet) the test. */
  returnIf(test: Test, operand: number, answer: number, unless = false): void {
    this.#push(testCode[test], unless ? 1 : 0, unless ? 0 : 1, operand);
    this.return(answer);
  }

  /** Runs the part that `build` appends only if the accumulator equals the operand. At most 255 instructions. */
  when(operand: number, build: () => void): void {
    this.#push(code.jumpEqual, 0, 0, operand);
    const start = this.#words.length;
    build();
    const skipped = this.#words.length - start;
    if (skipped > 255) throw new RangeError('a part of a filter is longer than 255 instructions');
    const jump = this.#words[start - 1];
    if (jump) jump.onFalse = skipped;
  }

  /** The array of struct sock_filter. */
  render(): Buffer {
    const out = Buffer.alloc(this.#words.length * 8);
    const halves = new Uint32Array(out.buffer, out.byteOffset, 2 * this.#words.length);
    this.#words.forEach((word, index) => {
      halves[2 * index] = word.code | (word.onTrue << 16) | (word.onFalse << 24);
      halves[2 * index + 1] = word.operand;
    });
    return out;
  }

  #push(word: number, onTrue: number, onFalse: number, operand: number): void {
    this.#words.push({ code: word, onTrue, onFalse, operand });
  }
}
