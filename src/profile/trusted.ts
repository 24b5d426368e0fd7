import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SboxError } from '../domain/errors.ts';

/** A document whose content the operator has trusted. */
export interface TrustedDocument {
  /** absolute, its folder without links */
  readonly path: string;
  /** SHA-256 of the content, hexadecimal */
  readonly sha256: string;
  /** ISO 8601, UTC */
  readonly trustedAt: string;
}

/** Refuses a document that was not trusted, or has changed since. Error: SBOX_E_UNTRUSTED. */
export const assertTrusted = (file: string, bytes: Uint8Array, stateDir: string): void => {
  const found = describeDocument(file, bytes);
  const entry = listTrusted(stateDir).find(({ path }) => path === found.path);
  if (entry?.sha256 === found.sha256) return;
  throw new SboxError({
    code: 'SBOX_E_UNTRUSTED',
    message: `"${file}" ${entry === undefined ? 'is not trusted' : 'has changed since it was trusted'}`,
    cause: 'an agent may have written it',
    fix: `read it, then: sbox trust "${dirname(file)}" (or run with --no-config to ignore it)`,
  });
};

/** What is trusted, in the order of trusting. Error: SBOX_E_STATE if the record can't be read. */
export const listTrusted = (stateDir: string): readonly TrustedDocument[] => {
  const file = recordOf(stateDir);
  try {
    const record: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isRecord(record)) return record.trusted;
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code;
    if (errno === 'ENOENT') return [];
    if (errno !== undefined) throw new SboxError({ code: 'SBOX_E_STATE', message: `cannot read "${file}": ${errno}` });
  }
  throw new SboxError({
    code: 'SBOX_E_STATE',
    message: `cannot read "${file}": it is damaged`,
    fix: `rm "${file}", then trust again`,
  });
};

/** The file that holds the record. */
export const recordOf = (stateDir: string): string => join(stateDir, 'trusted.json');

/** A document as the record names it. */
export const describeDocument = (file: string, bytes: Uint8Array): Pick<TrustedDocument, 'path' | 'sha256'> => ({
  path: canonical(file),
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

/** The one spelling of a document's path: its folder's links are followed; the file itself is never a link. */
export const canonical = (file: string): string => {
  try {
    return join(realpathSync(dirname(file)), basename(file));
  } catch {
    // the folder is gone: only `--remove` comes here, with the path as it was recorded
    return file;
  }
};

const isRecord = (value: unknown): value is { readonly trusted: readonly TrustedDocument[] } => {
  const trusted = (value as { trusted?: unknown } | null)?.trusted;
  return (
    Array.isArray(trusted) &&
    trusted.every((entry) => typeof entry?.path === 'string' && typeof entry?.sha256 === 'string')
  );
};
