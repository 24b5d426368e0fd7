import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { exitCode, SboxError } from '../domain/errors.ts';

/** The content of a document, read once: what is hashed is what is parsed. */
export interface DocumentText {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** The most that a document may hold. */
export const maxDocumentBytes = 1024 * 1024;

/**
 * Reads a document: valid UTF-8, at most 1 MiB. `links: 'refuse'` is for a file that an agent may have made: it must be
 * a regular file itself. Absent gives undefined. Errors: SBOX_E_PROFILE with the errno.
 */
export const readDocument = (file: string, links: 'follow' | 'refuse'): DocumentText | undefined => {
  const bytes = readBytes(file, links);
  if (bytes === undefined) return undefined;
  if (bytes.length > maxDocumentBytes) throw unreadable(file, 'it holds more than 1 MiB');
  try {
    return { bytes, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    throw unreadable(file, 'it is not valid UTF-8');
  }
};

/** The error for a document that can't be read. */
export const unreadable = (file: string, why: string, fix?: string): SboxError =>
  new SboxError({
    code: 'SBOX_E_PROFILE',
    message: `cannot read "${file}": ${why}`,
    exitCode: exitCode.usage,
    fix: fix ?? `look at it with: ls -ld "${file}"`,
  });

const readBytes = (file: string, links: 'follow' | 'refuse'): Uint8Array | undefined => {
  // a pipe in the file's place must not make the open wait
  const safe = constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    const fd = openSync(file, constants.O_RDONLY | (links === 'refuse' ? safe : 0));
    try {
      // asked of the open file, so that nothing can change between the test and the reading
      const stat = fstatSync(fd);
      if (stat.isDirectory()) throw unreadable(file, 'EISDIR');
      if (links === 'refuse' && !stat.isFile()) throw unreadable(file, 'it is not a regular file', `rm "${file}"`);
      return readAtMost(fd, maxDocumentBytes + 1);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof SboxError) throw error;
    const errno = (error as NodeJS.ErrnoException).code ?? String(error);
    if (errno === 'ENOENT') return undefined;
    if (errno === 'ELOOP' && links === 'refuse')
      throw unreadable(file, 'it is a symbolic link', `replace it by the file that it leads to`);
    throw unreadable(file, errno);
  }
};

const readAtMost = (fd: number, maxBytes: number): Uint8Array => {
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (total < maxBytes) {
    const chunk = Buffer.allocUnsafe(Math.min(16 * 1024, maxBytes - total));
    const length = readSync(fd, chunk, 0, chunk.length, null);
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
    total += length;
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
};
