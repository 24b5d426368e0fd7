export interface QueryParts {
  readonly id?: number;
  readonly additional?: readonly Buffer[];
}

/** A query with RD set, whatever the name is. */
export const aQuery = (name: string, type: number, { id = 1, additional = [] }: QueryParts = {}): Buffer => {
  const head = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, additional.length]);
  head.writeUInt16BE(id);
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'));
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), label]);
  return Buffer.concat([head, ...parts, Buffer.from([0, type >> 8, type & 255, 0, 1]), ...additional]);
};

export const anOpt = (version = 0): Buffer => Buffer.from([0, 0, 41, 4, 208, 0, version, 0, 0, 0, 0]);

export interface Reply {
  readonly id: number;
  readonly code: number;
  readonly question: string | undefined;
  /** addresses and names */
  readonly answers: readonly string[];
  readonly opt: { readonly size: number; readonly extendedCode: number } | undefined;
}

/** Reads a reply to one question whose answers name the question by a pointer. */
export const readReply = (bytes: Buffer): Reply => {
  let at = 12;
  const name = (): string => {
    const labels: string[] = [];
    for (let length = bytes.readUInt8(at++); length > 0; length = bytes.readUInt8(at++)) {
      labels.push(bytes.toString('latin1', at, at + length));
      at += length;
    }
    return labels.join('.');
  };
  const question = bytes.readUInt16BE(4) === 1 ? name() : undefined;
  if (question !== undefined) at += 4;
  const answers: string[] = [];
  for (let left = bytes.readUInt16BE(6); left > 0; left -= 1) {
    const type = bytes.readUInt16BE(at + 2);
    const length = bytes.readUInt16BE(at + 10);
    at += 12;
    if (type === 12) answers.push(name());
    else {
      answers.push(length === 4 ? [...bytes.subarray(at, at + 4)].join('.') : bytes.toString('hex', at, at + length));
      at += length;
    }
  }
  const opt =
    bytes.readUInt16BE(10) === 1
      ? { size: bytes.readUInt16BE(at + 3), extendedCode: bytes.readUInt8(at + 5) }
      : undefined;
  return { id: bytes.readUInt16BE(0), code: bytes.readUInt8(3) & 15, question, answers, opt };
};
