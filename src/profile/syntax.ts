import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Finding } from './finding.ts';

/** Text to a tree as far as it can be read, and every syntax error: JSON with comments and trailing commas. */
export const parseSyntax = (
  text: string,
): { readonly root: Node | undefined; readonly findings: readonly Finding[] } => {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  return { root, findings: firstOfEachLine(errors, text).map((error) => explain(error, text)) };
};

/** One slip makes the parser complain several times until it is in step again. */
const firstOfEachLine = (errors: readonly ParseError[], text: string): ParseError[] =>
  errors.filter((error, index) => {
    const before = errors[index - 1];
    return before === undefined || /[\r\n]/.test(text.slice(before.offset, error.offset));
  });

const explain = (error: ParseError, text: string): Finding => {
  const found = text.slice(error.offset, error.offset + error.length);
  const name = printParseErrorCode(error.error);
  if (name === 'InvalidSymbol')
    return { offset: error.offset, message: `unexpected ${JSON.stringify(found)}`, ...quoteHint(found) };
  const [message, hint] = messages[name] ?? ['the document cannot be read here'];
  return { offset: error.offset, message, ...(hint === undefined ? {} : { hint }) };
};

const quoteHint = (found: string): { readonly hint?: string } => {
  const word = /^'?([\w.$-]+)'?$/.exec(found)?.[1];
  return word === undefined ? {} : { hint: `put strings and keys in double quotes: "${word}"` };
};

const messages: Readonly<Record<string, readonly [message: string, hint?: string]>> = {
  InvalidNumberFormat: ['the number cannot be read'],
  PropertyNameExpected: ['a key in double quotes is expected here'],
  ValueExpected: ['a value is expected here'],
  ColonExpected: ['":" is expected here'],
  CommaExpected: ['"," is expected here'],
  CloseBraceExpected: ['"}" is expected here'],
  CloseBracketExpected: ['"]" is expected here'],
  EndOfFileExpected: ['nothing may follow the document', 'a document is one object'],
  InvalidCommentToken: ['the comment cannot be read', 'write // or /* */'],
  UnexpectedEndOfComment: ['the comment does not end', 'end it with */'],
  UnexpectedEndOfString: ['the string does not end', 'end it with " on the same line'],
  UnexpectedEndOfNumber: ['the number does not end'],
  InvalidUnicode: ['the \\u escape cannot be read', 'write four hexadecimal digits behind \\u'],
  InvalidEscapeCharacter: ['the escape in this string is unknown', 'write a backslash as \\\\'],
  InvalidCharacter: ['the string holds a control character', 'write it as an escape, for example \\t'],
};
