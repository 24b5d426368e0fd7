/** A register of a random program, or a number of at most 32 bits. */
type Operand =
  | { readonly kind: 'register'; readonly index: number }
  | { readonly kind: 'number'; readonly value: number };

type RandomStep =
  | { readonly kind: 'and' | 'subtract'; readonly a: Operand; readonly b: Operand; readonly into: number }
  | { readonly kind: 'jump'; readonly a: Operand; readonly b: Operand; readonly target: number };

/** A program of jumps, ands and subtractions over 64-bit registers; a jump leads forward, so it ends. */
export interface RandomProgram {
  readonly registers: readonly bigint[];
  readonly steps: readonly RandomStep[];
}

const registerCount = 6;

/** The same program for the same seed. */
export const randomProgram = (seed: number): RandomProgram => {
  const next = randomNumbers(seed);
  const below = (limit: number) => next() % limit;
  const operand = (): Operand =>
    below(3) > 0
      ? { kind: 'register', index: below(registerCount) }
      : { kind: 'number', value: [0, 1, -1, 0xff, 0xffff_ffff, -0x8000_0000, next(), -below(4096)][below(8)] ?? 0 };
  const length = 10 + below(60);
  const steps = Array.from({ length }, (_, index): RandomStep => {
    const [a, b] = [operand(), operand()];
    const kind = (['and', 'subtract', 'jump', 'jump'] as const)[below(4)] ?? 'and';
    if (kind !== 'jump') return { kind, a, b, into: below(registerCount) };
    // half of the jumps are taken
    return { kind, a, b: below(2) === 0 ? a : b, target: index + 1 + below(length - index) };
  });
  const registers = Array.from({ length: registerCount }, () =>
    below(2) === 0 ? BigInt(below(4)) : (BigInt(next()) << 32n) | BigInt(next()),
  );
  return { registers, steps };
};

/** What a program leaves in its registers. */
export const evaluate = ({ registers, steps }: RandomProgram): { registers: bigint[]; jumps: number } => {
  const now = [...registers];
  const read = (operand: Operand): bigint =>
    operand.kind === 'register' ? (now[operand.index] ?? 0n) : BigInt.asUintN(64, BigInt(operand.value));
  let jumps = 0;
  for (let at = 0; at < steps.length; ) {
    const step = steps[at] as RandomStep;
    const [a, b] = [read(step.a), read(step.b)];
    at++;
    if (step.kind === 'and') now[step.into] = a & b;
    else if (step.kind === 'subtract') now[step.into] = BigInt.asUintN(64, a - b);
    else if (step.kind === 'jump' && a === b) {
      jumps++;
      at = step.target;
    }
  }
  return { registers: now, jumps };
};

/** Mulberry32: a small generator of 32-bit numbers that a seed repeats. */
const randomNumbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
};
