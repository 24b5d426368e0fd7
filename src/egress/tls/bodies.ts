import { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { PlaceholderScan, Scrubber } from '../../domain/injection.ts';

/** A stream that passes bytes on as they come, and fails with `PlaceholderSeen` at the first placeholder. */
export const openScanStream = (scan: PlaceholderScan): Transform =>
  new Transform({
    transform(bytes: Buffer, _encoding, done) {
      attempt(done, () => {
        if (scan.found(bytes)) throw new PlaceholderSeen();
        return bytes;
      });
    },
  });

/** A stream that passes on what a scrubber lets through; nothing waits that can't be the beginning of a secret. */
export const openScrubStream = (scrubber: Scrubber): Transform =>
  new Transform({
    transform(bytes: Buffer, _encoding, done) {
      attempt(done, () => scrubber.write(bytes));
    },
    flush(done) {
      attempt(done, () => scrubber.end());
    },
  });

/** A placeholder in the bytes of a request. */
export class PlaceholderSeen extends Error {}

/** The streams that undo a `Content-Encoding`, the last applied first; undefined if one of them is not known. */
export const openDecoders = (encoding: string): Transform[] | undefined => {
  const names = encoding
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > mostEncodings) return undefined;
  const streams = names.reverse().map((name) => decoders[name]?.());
  return streams.every((stream) => stream !== undefined) ? streams : undefined;
};

const mostEncodings = 2;

/** Node has Zstandard from version 22.15 and 23.8 on. */
const zstd = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;

const decoders: Readonly<Record<string, () => Transform>> = {
  __proto__: null as never,
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  br: () => zlib.createBrotliDecompress(),
  ...(zstd === undefined ? {} : { zstd: () => zstd() }),
};

/** All of a body up to a limit; undefined beyond it. It is read to its end in any case: the answer comes over the same connection. */
export const readAll = async (body: AsyncIterable<Buffer>, mostBytes: number): Promise<Buffer | undefined> => {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length <= mostBytes) parts.push(part);
  }
  return length <= mostBytes ? Buffer.concat(parts) : undefined;
};

const attempt = (done: (error?: Error | null, bytes?: Buffer) => void, make: () => Buffer): void => {
  let bytes: Buffer;
  try {
    bytes = make();
  } catch (error) {
    done(error as Error);
    return;
  }
  if (bytes.length > 0) done(null, bytes);
  else done();
};
