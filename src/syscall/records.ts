/** What a program tells the launcher over descriptor 3: records of 16 bytes, u32 tag, u32 offset, i64 value. */
export type ProgramRecord =
  /** the call at this offset failed with this errno; the process has ended */
  | { readonly kind: 'failed'; readonly offset: number; readonly errno: number }
  /** the sandbox is made, the command about to be executed */
  | { readonly kind: 'ready' }
  /** no candidate of the command could be executed */
  | { readonly kind: 'exec'; readonly errno: number }
  /** the command ended or stopped, as wait(2) encodes it */
  | { readonly kind: 'status' | 'stopped'; readonly status: number }
  /** an answer that the program was written to give */
  | { readonly kind: 'answer'; readonly index: number; readonly value: number };

export const recordBytes = 16;
export const recordTag = { failed: 1, status: 2, stopped: 3, answer: 4, exec: 5, ready: 6 } as const;

/** A record for `write`; its value is the eight bytes at offset 8. */
export const renderRecord = (tag: number, index = 0): Buffer => {
  const record = Buffer.alloc(recordBytes);
  record.writeUInt32LE(tag, 0);
  record.writeUInt32LE(index, 4);
  return record;
};

/** All whole records of a buffer. Throws on a tag that no program writes. */
export const parseRecords = (buffer: Buffer): ProgramRecord[] => {
  const records: ProgramRecord[] = [];
  for (let at = 0; at + recordBytes <= buffer.length; at += recordBytes) records.push(parseRecord(buffer, at));
  return records;
};

const parseRecord = (buffer: Buffer, at: number): ProgramRecord => {
  // a result or a status fits into the low half
  const [tag, second, value] = [buffer.readUInt32LE(at), buffer.readUInt32LE(at + 4), buffer.readInt32LE(at + 8)];
  switch (tag) {
    case recordTag.failed:
      return { kind: 'failed', offset: second, errno: -value };
    case recordTag.ready:
      return { kind: 'ready' };
    case recordTag.exec:
      return { kind: 'exec', errno: -value };
    case recordTag.status:
      return { kind: 'status', status: value };
    case recordTag.stopped:
      return { kind: 'stopped', status: value };
    case recordTag.answer:
      return { kind: 'answer', index: second, value: value };
    default:
      throw new Error(`unknown record ${tag}`);
  }
};
