import * as v from 'valibot';
import { isRefused, type Parsed } from '../domain/parsed.ts';

// How explain.ts reads them: a schema's message is the noun behind "must be", a table's message is the list of
// its keys, and a parser's refusal is a whole message with the hint in `expected`.

/** An object with these keys and no others. */
export const table = <const T extends v.ObjectEntries>(entries: T) =>
  v.pipe(object(), v.strictObject(entries, quoted(Object.keys(entries))));

/** An object whose keys are names. */
export const tableOf = <const K extends v.GenericSchema<string, string>, const T extends v.GenericSchema>(
  key: K,
  value: T,
) => v.pipe(object(), v.record(key, value));

/** An optional list; `text` tells editors what it is for. */
export const listOf = <const T extends v.GenericSchema>(item: T, text: string) =>
  v.exactOptional(v.pipe(v.array(item, 'a list'), v.description(text)));

/** One of a closed list of words. */
export const oneOf = <const T extends string>(words: readonly T[]) => v.picklist(words, `one of ${quoted(words)}`);

/** A whole number in a range. */
export const wholeNumber = (least: number, most: number) => {
  const noun = `a whole number from ${least} to ${most}`;
  return v.pipe(v.number(noun), v.integer(noun), v.minValue(least, noun), v.maxValue(most, noun));
};

/** A value that a parser of src/domain takes; one with a problem within has it told already. */
export const parsedBy = <T>(parse: (input: T) => Parsed<unknown>) =>
  v.rawCheck<T>(({ dataset, addIssue }) => {
    const parsed = dataset.typed && dataset.issues === undefined ? parse(dataset.value) : undefined;
    if (parsed !== undefined && isRefused(parsed)) addIssue({ message: parsed.problem, expected: parsed.hint });
  });

/** The form of a text, for editors only: the parser behind parsedBy has the words for a refusal. */
export const pattern = <T extends string | number>(form: RegExp) =>
  v.metadata<T, { pattern: string }>({ pattern: form.source });

/** valibot's own object schemas take lists too. */
const object = () =>
  v.custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'an object');

const quoted = (words: readonly string[]): string => words.map((word) => `"${word}"`).join(', ');
