import { exitCode, SboxError } from '../domain/errors.ts';
import type { Problem } from '../domain/problem.ts';
import type { Layer } from './layer.ts';
import { normalizeDocument } from './normalize.ts';
import type { DocumentValue } from './schema.ts';

/** Text of a document to its layer. Errors: SBOX_E_PROFILE with every problem of the document. */
export const readLayer = async (text: string, file: string, base: string): Promise<Layer> => {
  // loading the parser and the validator costs more than reading a shipped profile
  const { parseDocument } = await import('./parse.ts');
  const parsed = parseDocument(text, file);
  if ('problems' in parsed) throw invalid(file, parsed.problems);
  return normalizeDocument(parsed.value, { file, base, placeOf: parsed.placeOf });
};

/** The same for a document that is part of sbox: plain JSON, and a test proved that it is valid. */
export const readShippedLayer = (text: string, file: string, base: string): Layer =>
  normalizeDocument(JSON.parse(text) as DocumentValue, { file, base, placeOf: () => ({ file, line: 1, column: 1 }) });

/** The error for a document with problems. */
export const invalid = (file: string, problems: readonly Problem[]): SboxError => {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new SboxError({
    code: 'SBOX_E_PROFILE',
    message: `"${file}" has ${count}`,
    problems,
    fix: `put that right, then: sbox validate "${file}"`,
    exitCode: exitCode.usage,
  });
};
