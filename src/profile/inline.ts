import { exitCode, SboxError } from '../domain/errors.ts';
import type { Problem } from '../domain/problem.ts';
import type { Layer } from './layer.ts';
import { normalizeDocument } from './normalize.ts';

/** A document that a program hands over as a value. */
export interface InlineDocument {
  /** what it is called in messages; empty for keys that stand by themselves */
  readonly name: string;
  readonly value: unknown;
  /** the absolute folder that relative mount sources start from */
  readonly base: string;
}

/** A value to its layer, by the same schema as a text. Errors: SBOX_E_PROFILE with every problem and the path of what it is about. */
export const readInlineLayer = async ({ name, value, base }: InlineDocument): Promise<Layer> => {
  const { parseDocument } = await import('./parse.ts');
  const { pathAt } = await import('./path-at.ts');
  const text = writeText(name, value);
  const parsed = parseDocument(text, name);
  const pathOf = (path: readonly (string | number)[]) => renderPath(name, path);
  if ('value' in parsed) {
    return normalizeDocument(parsed.value, {
      file: name || 'createSandbox',
      base,
      placeOf: (path) => ({ file: pathOf(path), line: 0, column: 0 }),
    });
  }
  throw invalidValue(
    name,
    parsed.problems.map(({ message, hint, place }) => {
      // the text has one line
      const path = pathOf(pathAt(text, (place?.column ?? 1) - 1));
      return { message: withPath(message, path, name), ...(hint !== undefined && { hint }) };
    }),
  );
};

/** Most messages begin with the path within the document. */
const withPath = (message: string, path: string, name: string): string => {
  const within = name === '' ? path : path.slice(name.length + 1);
  const tellsIt = within !== '' && [`${within}: `, `${within} `].some((start) => message.startsWith(start));
  if (tellsIt) return name === '' ? message : `${name}.${message}`;
  return path === '' ? message : `${path}: ${message}`;
};

/** Functions and symbols would be left out, and with them a rule that somebody relies on. */
const writeText = (name: string, value: unknown): string => {
  const refuse = (what: string) =>
    invalidValue(name, [{ message: `${what} is no JSON value`, hint: 'write strings, numbers, lists and objects' }]);
  const replace = (key: string, part: unknown): unknown => {
    if (['function', 'symbol', 'bigint'].includes(typeof part)) throw refuse(`a ${typeof part} (at "${key}")`);
    return part;
  };
  try {
    return JSON.stringify(value, replace) ?? 'null';
  } catch (error) {
    throw error instanceof SboxError ? error : refuse('an object that contains itself');
  }
};

/** As in JavaScript: `policy.network.allow[0]`. */
const renderPath = (name: string, path: readonly (string | number)[]): string => {
  const text = path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
    })
    .join('');
  return name === '' ? text.replace(/^\./, '') : `${name}${text}`;
};

const invalidValue = (name: string, problems: readonly Problem[]): SboxError => {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const told = problems.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`));
  return new SboxError({
    code: 'SBOX_E_PROFILE',
    message: `${name || 'the configuration'} has ${count}: ${told.join('; ')}`,
    problems,
    exitCode: exitCode.usage,
  });
};
