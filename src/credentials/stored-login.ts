import { createHash } from 'node:crypto';

/**
 * A renewed login as it is kept in the sandbox's state folder: with a fingerprint of the client's own file from which it came. Tokens that were renewed
 * inside are newer than that file until the client renews or replaces it outside.
 */
export const renderStoredLogin = (source: string, document: unknown): string =>
  `${JSON.stringify({ source: fingerprint(source), document })}\n`;

/** The document to begin with: the stored one if the client's file is still the one it came from, else that file's. */
export const parseLogin = (source: string, stored: string | undefined): unknown =>
  parseStoredLogin(source, stored) ?? parse(source);

/** The stored document; undefined if there is none, or if it came from another file than this one. */
export const parseStoredLogin = (source: string, stored: string | undefined): unknown => {
  const kept = stored === undefined ? undefined : parse(stored);
  const fresh = typeof kept === 'object' && kept !== null && 'source' in kept && 'document' in kept;
  return fresh && kept.source === fingerprint(source) ? kept.document : undefined;
};

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex');

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
