import type { Pair } from './encodings.ts';

/** A table that finds many texts in one pass (Aho and Corasick, 1975). State 0 means that nothing has begun. */
export interface Automaton {
  /** by state and class of byte: the next state */
  readonly next: Int32Array;
  /** bytes that no text holds are of class 0 */
  readonly classes: Uint8Array;
  readonly width: number;
  /** by byte: whether a text begins with it */
  readonly starts: Uint8Array;
  /** by state: how many of the last bytes may be the beginning of a text */
  readonly depth: Int32Array;
  /** by state: the pair whose text ends here, or -1 */
  readonly output: Int32Array;
  readonly pairs: readonly Pair[];
}

export const buildAutomaton = (pairs: readonly Pair[]): Automaton => {
  const { classes, width } = classify(pairs);
  const { next, depth, output } = plant(pairs, classes, width);
  link(next, output, width);
  const starts = classes.map((symbol) => (at(next, symbol) === 0 ? 0 : 1));
  return { next, classes, width, starts, depth, output, pairs };
};

/** The state after one more byte. */
export const step = (automaton: Automaton, state: number, byte: number): number =>
  at(automaton.next, state * automaton.width + at(automaton.classes, byte));

/** Whether one of the texts lies in these bytes, and the state to go on from. */
export const search = (automaton: Automaton, bytes: Buffer, from: number): { found: boolean; state: number } => {
  const { next, classes, width, output, starts } = automaton;
  let state = from;
  for (let index = 0; index < bytes.length; index++) {
    if (state === 0) index = skip(starts, bytes, index);
    if (index === bytes.length) break;
    state = next[state * width + (classes[bytes[index] as number] as number)] as number;
    if (state !== 0 && (output[state] as number) >= 0) return { found: true, state };
  }
  return { found: false, state };
};

/** What takes the place of bytes at which everything ends, and which may be the beginning of a text: a few could be anything, and stay. */
export const replaceBeginning = ({ pairs }: Automaton, bytes: Buffer): Buffer => {
  if (bytes.length < fewestKnown) return bytes;
  const pair = pairs.find(({ find }) => find.subarray(0, bytes.length).equals(bytes));
  return pair === undefined ? bytes : pair.put.subarray(0, bytes.length);
};

/** Fewer characters of a secret are no use to anybody. */
const fewestKnown = 8;

/** The next place at which a text may begin: most bytes begin none, and a loop of its own is four times as fast for them. */
export const skip = (starts: Uint8Array, bytes: Buffer, from: number): number => {
  let index = from;
  while (index < bytes.length && starts[bytes[index] as number] === 0) index++;
  return index;
};

/** An element of a typed array by an index that is known to be inside. */
const at = (array: Int32Array | Uint8Array, index: number): number => array[index] as number;

const classify = (pairs: readonly Pair[]): { classes: Uint8Array; width: number } => {
  const classes = new Uint8Array(256);
  let width = 1;
  for (const { find } of pairs) {
    for (const byte of find) if (at(classes, byte) === 0) classes[byte] = width++;
  }
  return { classes, width };
};

/** The tree of the texts. Most share a beginning: the tables grow as states come, instead of having room for every letter. */
const plant = (pairs: readonly Pair[], classes: Uint8Array, width: number) => {
  let next = new Int32Array(1024 * width);
  const depth = [0];
  const output = [-1];
  pairs.forEach(({ find }, index) => {
    let state = 0;
    for (const byte of find) {
      const edge = state * width + at(classes, byte);
      if (at(next, edge) === 0) {
        if ((depth.length + 1) * width > next.length) next = grow(next);
        next[edge] = depth.length;
        depth.push((depth[state] as number) + 1);
        output.push(-1);
      }
      state = at(next, edge);
    }
    if ((output[state] as number) < 0) output[state] = index;
  });
  return { next: next.slice(0, depth.length * width), depth: Int32Array.from(depth), output: Int32Array.from(output) };
};

const grow = (table: Int32Array): Int32Array<ArrayBuffer> => {
  const larger = new Int32Array(table.length * 2);
  larger.set(table);
  return larger;
};

/** Breadth first, so that the state of the longest proper suffix is complete before it is copied from. */
const link = (next: Int32Array, output: Int32Array, width: number): void => {
  const suffix = new Int32Array(output.length);
  const queue: number[] = [];
  for (let symbol = 0; symbol < width; symbol++) if (at(next, symbol) !== 0) queue.push(at(next, symbol));
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] as number;
    const back = at(suffix, state);
    if (at(output, state) < 0) output[state] = at(output, back);
    for (let symbol = 0; symbol < width; symbol++) {
      const edge = state * width + symbol;
      const other = at(next, back * width + symbol);
      if (at(next, edge) === 0) next[edge] = other;
      else {
        suffix[at(next, edge)] = other;
        queue.push(at(next, edge));
      }
    }
  }
};
