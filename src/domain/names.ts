import { nearest } from './nearest.ts';
import type { Parsed } from './parsed.ts';

/** The form of an environment variable's name (POSIX, 8.1). */
export const variablePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The form of an entry of env.pass: a name, or the beginning of names and a star. */
export const passPattern = /^[A-Za-z_][A-Za-z0-9_]*\*?$/;

/** The form of a profile's name. */
export const profileNamePattern = /^[a-z0-9][a-z0-9-]*$/;

/** The name of one environment variable. */
export const parseVariable = (text: string): Parsed<string> => {
  if (variablePattern.test(text)) return { value: text };
  const hint = text.endsWith('*')
    ? 'a trailing * works in env.pass only; write each name out here'
    : 'use letters, digits and _, and do not begin with a digit';
  return { problem: `"${text}" is not the name of an environment variable`, hint };
};

/** An entry of env.pass: the name of a variable, or `LC_*` for all that begin so. */
export const parsePass = (text: string): Parsed<string> => {
  if (passPattern.test(text)) return { value: text };
  const hint = text.includes('*')
    ? 'a * may only stand at the end, after at least one letter: "LC_*"'
    : 'use letters, digits and _, and do not begin with a digit';
  return { problem: `"${text}" is not the name of an environment variable`, hint };
};

/** The name of a profile, as in `--profile NAME` and `extends`. */
export const parseProfileName = (text: string): Parsed<string> => {
  if (profileNamePattern.test(text)) return { value: text };
  const lower = text.toLowerCase().replace(/\.json$/, '');
  const hint =
    profileNamePattern.test(lower) && lower !== text
      ? `did you mean "${lower}"?`
      : 'a name has lower-case letters, digits and -; a file is named with --config FILE';
  return { problem: `"${text}" is not the name of a profile`, hint };
};

/** The name of a program, to be looked up along PATH. */
export const parseProgram = (text: string): Parsed<string> => {
  if (text !== '' && text !== '.' && text !== '..' && !text.includes('/')) return { value: text };
  const base = text.slice(text.lastIndexOf('/') + 1);
  const hint = base === '' || base === '.' || base === '..' ? 'for example "git"' : `write "${base}"`;
  return { problem: `"${text}" is not the name of a program`, hint };
};

/** A path below the workspace, without leading `./`, doubled or trailing slashes. */
export const parseProtectedPath = (text: string): Parsed<string> => {
  if (text.startsWith('/')) {
    return {
      problem: `"${text}" must be relative to the workspace`,
      hint: `write "${text.replace(/^\/+/, '') || '.git/hooks'}"`,
    };
  }
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return { problem: `"${text}" leads out of the workspace`, hint: 'remove ".."' };
  if (parts.length > 0) return { value: parts.join('/') };
  return { problem: `"${text}" names the workspace itself`, hint: 'name a path in it, for example ".git/hooks"' };
};

/** A path that begins with `~` must mean the own home: `~user` is not looked up. */
export const refuseOtherHome = (path: string): { problem: string; hint: string } | undefined => {
  const user = /^~([^/]+)/.exec(path)?.[1];
  if (user === undefined) return undefined;
  return { problem: `"~${user}" is not supported`, hint: 'write the full path, or "~/..." for your own home' };
};

/** One of a closed list of words. */
export const parseWord = <T extends string>(text: string, words: readonly T[], what: string): Parsed<T> => {
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return { value: word };
  const near = nearest(text, words);
  const hint = near === undefined ? `use ${words.map((known) => `"${known}"`).join(', ')}` : `did you mean "${near}"?`;
  return { problem: `"${text}" is not ${what}`, hint };
};
