import type { Scrubber } from '../domain/injection.ts';
import { type Automaton, replaceBeginning, skip } from './automaton.ts';

/**
 * Replaces every text of an automaton in a stream, wherever it is split. At most the length of the longest text less one byte waits, and only while it
 * may be the beginning of one.
 */
export const openTextScrubber = (automaton: Automaton): Scrubber => {
  const { next, classes, width, starts, depth, output, pairs } = automaton;
  let state = 0;
  let held = Buffer.alloc(0);
  const write = (bytes: Buffer): Buffer => {
    const text = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    let clean = text;
    for (let index = held.length; index < text.length; index++) {
      if (state === 0) index = skip(starts, text, index);
      if (index === text.length) break;
      state = next[state * width + (classes[text[index] as number] as number)] as number;
      if (state === 0 || (output[state] as number) < 0) continue;
      const pair = pairs[output[state] as number];
      if (clean === text) clean = Buffer.from(text);
      if (pair !== undefined) clean.set(pair.put, index + 1 - pair.find.length);
      state = 0;
    }
    const ready = clean.length - (depth[state] as number);
    held = ready === clean.length ? empty : Buffer.from(clean.subarray(ready));
    return clean.subarray(0, ready);
  };
  const end = (): Buffer => {
    const rest = replaceBeginning(automaton, held);
    held = empty;
    state = 0;
    return rest;
  };
  return { write, end };
};

/** The same for a text that is there as a whole. */
export const scrubBytes = (automaton: Automaton, bytes: Buffer): Buffer => {
  const scrubber = openTextScrubber(automaton);
  return Buffer.concat([scrubber.write(bytes), scrubber.end()]);
};

const empty = Buffer.alloc(0);
