import type { Socket } from 'node:net';
import { gather } from './gather.ts';

/** A resolver keeps its connection for a while (RFC 7766, 6.2.3). */
const idleMs = 30_000;
/** A message's length takes two bytes. */
const maxBytes = 2 + 65_535 + 64 * 1024;

/** Answers the queries of one connection in their order (RFC 1035, 4.2.2). */
export const serveDns = async (client: Socket, answer: (query: Buffer) => Promise<Buffer>): Promise<void> => {
  let rest: Buffer = Buffer.alloc(0);
  for (;;) {
    const { value } = await gather(client, rest, parseFrame, { maxBytes, firstByteMs: idleMs, restMs: idleMs });
    if (value === undefined || value.query.length === 0) break;
    const reply = await answer(value.query);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(reply.length);
    const isTaken = client.write(Buffer.concat([length, reply]));
    if (!isTaken && !(await drained(client))) break;
    rest = value.rest;
  }
  client.end(() => client.destroySoon());
};

const parseFrame = (bytes: Buffer): { readonly query: Buffer; readonly rest: Buffer } | undefined => {
  const end = bytes.length < 2 ? 2 : 2 + bytes.readUInt16BE(0);
  return bytes.length < end ? undefined : { query: bytes.subarray(2, end), rest: bytes.subarray(end) };
};

const drained = (client: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    if (client.destroyed) return resolve(false);
    client.once('drain', () => resolve(true)).once('close', () => resolve(false));
  });
