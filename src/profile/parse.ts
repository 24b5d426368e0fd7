import * as v from 'valibot';
import type { Place, Problem } from '../domain/problem.ts';
import type { PlaceOf } from '../domain/profile.ts';
import { explainIssue } from './explain.ts';
import type { Finding } from './finding.ts';
import { placesIn } from './places.ts';
import { type DocumentValue, documentSchema } from './schema.ts';
import { parseSyntax } from './syntax.ts';
import { checkTree, nodeAt, plainValue } from './tree.ts';

/** A checked document, or everything that is wrong with it in order of place. */
export type ParsedDocument =
  | { readonly value: DocumentValue; readonly placeOf: PlaceOf }
  | { readonly problems: readonly Problem[] };

/** Text of a document to its value; `file` is for the places. Slow to load (parser and validator): import it lazily. */
export const parseDocument = (text: string, file: string): ParsedDocument => {
  try {
    return parse(text, placesIn(file, text));
  } catch (error) {
    // the stack ended: the parser and the checks call themselves once a level
    if (!(error instanceof RangeError)) throw error;
    return {
      problems: [
        { message: 'the document is nested too deeply', hint: 'remove brackets', place: { file, line: 1, column: 1 } },
      ],
    };
  }
};

const parse = (text: string, place: (offset: number) => Place): ParsedDocument => {
  const { root, findings: syntax } = parseSyntax(text);
  const refuse = (findings: readonly Finding[]): ParsedDocument => ({
    problems: firstOfEachPlace(findings).map(({ offset, message, hint }) => ({
      message: printable(message),
      ...(hint === undefined ? {} : { hint: printable(hint) }),
      place: place(offset),
    })),
  });
  if (root === undefined) return refuse(syntax);
  const checked = v.safeParse(documentSchema, plainValue(root));
  const issues = checked.issues?.flatMap((issue) => explainIssue(issue, root)) ?? [];
  const findings = [...syntax, ...checkTree(root), ...issues];
  if (findings.length > 0 || !checked.success) return refuse(findings);
  return { value: checked.output, placeOf: (path) => place(nodeAt(root, path, 'value').offset) };
};

/** In order of place; where two checks complain about one place, the earlier check has the better words. */
const firstOfEachPlace = (findings: readonly Finding[]): Finding[] => {
  const sorted = findings.toSorted((a, b) => a.offset - b.offset);
  return sorted.filter((finding, index) => finding.offset !== sorted[index - 1]?.offset);
};

/** An agent may have written the document: nothing of it may steer the operator's terminal. */
const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
