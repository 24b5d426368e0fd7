import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type DocumentText, readDocument, unreadable } from '../profile/read-text.ts';
import type { CliContext } from './context.ts';

/** A document that the operator named on the command line. */
export interface LocatedDocument extends DocumentText {
  /** absolute */
  readonly file: string;
}

/** The file that an argument means: a folder stands for the sbox.json in it. */
export const locateDocument = (argument: string, context: CliContext): string => {
  const path = resolve(context.cwd, argument);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, 'sbox.json') : path;
};

/** Reads it as a run would: an sbox.json must not be a link. */
export const openDocument = (file: string): LocatedDocument => {
  const document = readDocument(file, basename(file) === 'sbox.json' ? 'refuse' : 'follow');
  if (document === undefined) throw unreadable(file, 'ENOENT');
  return { file, ...document };
};
