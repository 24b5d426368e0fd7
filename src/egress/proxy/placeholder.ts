import type { IncomingMessage } from 'node:http';
import type { Interceptor } from '../egress.ts';
import type { Fields } from './fields.ts';

/** Looks for placeholders in one request that leaves in the clear. */
export interface Scan {
  readonly head: (request: IncomingMessage) => boolean;
  /** the next part of a body */
  readonly part: (chunk: Buffer) => boolean;
  readonly trailers: (fields: Fields) => boolean;
}

/** Longer than a placeholder: what the end of a chunk keeps of it is looked at again with the next one. */
const overlapBytes = 4 * 1024;

/** Absent where nothing holds a placeholder. */
export const openScan = (interceptor: Interceptor | undefined): Scan | undefined => {
  if (interceptor === undefined) return undefined;
  let kept: Buffer = Buffer.alloc(0);
  return {
    head: ({ method, url, rawHeaders }) =>
      interceptor.holdsPlaceholder(Buffer.from([method, url, ...rawHeaders].join('\n'), 'latin1')),
    part: (chunk) => {
      const seam = Buffer.concat([kept, chunk.subarray(0, overlapBytes)]);
      const found = interceptor.holdsPlaceholder(chunk) || (kept.length > 0 && interceptor.holdsPlaceholder(seam));
      kept =
        chunk.length >= overlapBytes
          ? chunk.subarray(-overlapBytes)
          : Buffer.concat([kept, chunk]).subarray(-overlapBytes);
      return found;
    },
    trailers: (fields) => interceptor.holdsPlaceholder(Buffer.from(fields.join('\n'), 'latin1')),
  };
};
