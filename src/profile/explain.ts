import type { Node } from 'jsonc-parser';
import type * as v from 'valibot';
import { nearest } from '../domain/nearest.ts';
import type { Finding } from './finding.ts';
import { nodeAt } from './tree.ts';

/** One issue of the schema as findings at their places: a sentence, and a hint where there is one. */
export const explainIssue = (issue: Issue, root: Node, above: Path = []): Finding[] => {
  const path = [...above, ...pathOf(issue)];
  const nested = issue.issues?.filter((inner) => inner.path !== undefined) ?? [];
  // a union: whoever wrote a list or an object meant that alternative, so its inner problems are the answer
  if (nested.length > 0) return nested.flatMap((inner) => explainIssue(inner, root, path));
  if (issue.type === 'strict_object') return explainKeys(issue, root, path);
  const part = issue.path?.at(-1)?.origin === 'key' ? 'key' : 'value';
  return [{ offset: nodeAt(root, path, part).offset, ...sentence(issue, path) }];
};

type Issue = v.BaseIssue<unknown>;
type Path = readonly (string | number)[];

const pathOf = (issue: Issue): Path => issue.path?.map((item) => item.key as string | number) ?? [];

/** valibot stops at a table's first unknown key: name all of them, or the one that is missing. */
const explainKeys = (issue: Issue, root: Node, path: Path): Finding[] => {
  const owner = path.slice(0, -1);
  const within = owner.length === 0 ? '' : ` in ${renderPath(owner)}`;
  if (issue.expected !== 'never') {
    return [
      {
        offset: nodeAt(root, owner, 'value').offset,
        message: `${issue.expected} is missing${within}`,
        hint: `the keys are ${issue.message}`,
      },
    ];
  }
  const known = quotedWords(issue.message);
  const written = Object.keys(issue.path?.at(-1)?.input as object);
  return written
    .filter((key) => !known.includes(key))
    .map((key) => {
      const near = nearest(key, known);
      const hint = near === undefined ? `the keys are ${issue.message}` : `did you mean "${near}"?`;
      return { offset: nodeAt(root, [...owner, key], 'key').offset, message: `unknown key "${key}"${within}`, hint };
    });
};

const sentence = (issue: Issue, path: Path): { readonly message: string; readonly hint?: string } => {
  const what = path.length === 0 ? 'the document' : renderPath(path);
  if (issue.type === 'raw_check') return { message: `${what}: ${issue.message}`, hint: issue.expected ?? '' };
  if (issue.type === 'picklist' && typeof issue.input === 'string') {
    const near = nearest(issue.input, quotedWords(issue.message));
    const hint = near === undefined ? {} : { hint: `did you mean "${near}"?` };
    return { message: `${what} must be ${issue.message}, not ${JSON.stringify(issue.input)}`, ...hint };
  }
  if (issue.kind === 'validation') return { message: `${what} must be ${issue.message}, not ${String(issue.input)}` };
  const unquoted = issue.type === 'string' && (typeof issue.input === 'number' || typeof issue.input === 'boolean');
  return {
    message: `${what} must be ${issue.message}, not ${typeName(issue.input)}`,
    ...(unquoted ? { hint: 'put it in quotes' } : {}),
  };
};

/** `mounts[0].source`; a key that is no plain word is quoted. */
const renderPath = (path: Path): string =>
  path
    .map((step) =>
      typeof step === 'number' ? `[${step}]` : `.${/^[\w$-]+$/.test(step) ? step : JSON.stringify(step)}`,
    )
    .join('')
    .replace(/^\./, '');

const quotedWords = (text: string): string[] => Array.from(text.matchAll(/"([^"]+)"/g), (match) => match[1] ?? '');

/** The type alone: a value may be a secret that was put in the wrong place. */
const typeName = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
};
