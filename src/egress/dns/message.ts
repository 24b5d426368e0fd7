/** Types of resource records that are answered (RFC 1035, 3596, 6891). */
export const recordType = { A: 1, PTR: 12, AAAA: 28, OPT: 41, ANY: 255 } as const;

export const responseCode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  noName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;

/** A query with one question. */
export interface DnsQuery {
  readonly kind: 'query';
  readonly id: number;
  /** the first flags: RD and CD are given back */
  readonly flags: number;
  /** the question as it was sent: its case is given back (the 0x20 bits) */
  readonly question: Buffer;
  /** in lower case, without the last dot; undefined if a label has a byte that no host name has */
  readonly name: string | undefined;
  readonly type: number;
  readonly class: number;
  /** the version of EDNS, if the client speaks it */
  readonly edns: number | undefined;
}

/** What can't be answered as a query: the code to say so. */
export interface BadQuery {
  readonly kind: 'bad';
  readonly id: number;
  readonly flags: number;
  readonly code: number;
}

/** Reads a message that should be a query. Never throws. */
export const parseQuery = (bytes: Buffer): DnsQuery | BadQuery => {
  const id = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0;
  const flags = bytes.length >= 4 ? bytes.readUInt16BE(2) : 0;
  const bad = (code: number): BadQuery => ({ kind: 'bad', id, flags, code });
  if (bytes.length < headerBytes || flags & 0x8000) return bad(responseCode.formatError);
  if ((flags >> 11) & 15) return bad(responseCode.notImplemented);
  // one question, no answer, no authority
  if (bytes.readUInt16BE(4) !== 1 || bytes.readUInt32BE(6) !== 0) return bad(responseCode.formatError);
  const name = readName(bytes, headerBytes);
  if (name === undefined || name.end + 4 > bytes.length) return bad(responseCode.formatError);
  const rest = readAdditional(bytes, name.end + 4, bytes.readUInt16BE(10));
  if (rest === undefined) return bad(responseCode.formatError);
  return {
    kind: 'query',
    id,
    flags,
    question: bytes.subarray(headerBytes, name.end + 4),
    name: name.text,
    type: bytes.readUInt16BE(name.end),
    class: bytes.readUInt16BE(name.end + 2),
    edns: rest.edns,
  };
};

/** One answer to the question, about its own name. */
export interface DnsAnswer {
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Buffer;
}

export const renderReply = (query: DnsQuery | BadQuery, code: number, answers: readonly DnsAnswer[] = []): Buffer => {
  const withEdns = query.kind === 'query' && query.edns !== undefined;
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(query.id, 0);
  // a response, recursion available; opcode, RD and CD as they were
  header.writeUInt16BE(0x8080 | (query.flags & 0x7910) | (code & 15), 2);
  header.writeUInt16BE(query.kind === 'query' ? 1 : 0, 4);
  header.writeUInt16BE(answers.length, 6);
  header.writeUInt16BE(withEdns ? 1 : 0, 10);
  const parts: Buffer[] = [header];
  if (query.kind === 'query') parts.push(query.question, ...answers.flatMap(renderAnswer));
  if (withEdns) parts.push(renderOpt(code));
  return Buffer.concat(parts);
};

/** A name as labels with their lengths: the data of a PTR record. The name must be valid. */
export const renderName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    Buffer.from([0]),
  ]);

const headerBytes = 12;
/** With its lengths and the root (RFC 1035, 2.3.4). */
const maxNameBytes = 255;

interface ReadName {
  readonly text: string | undefined;
  readonly end: number;
}

/** Reads a name that is written out: a question has nothing before it that a compressed name could point to. */
const readName = (bytes: Buffer, start: number): ReadName | undefined => {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > 63 || at + 1 + length - start > maxNameBytes) return undefined;
    if (length === 0) break;
    if (at + 1 + length > bytes.length) return undefined;
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const isHostName = labels.every((label) => /^[A-Za-z0-9_-]+$/.test(label));
  return { text: isHostName ? labels.join('.').toLowerCase() : undefined, end: at + 1 };
};

/** Steps over the additional records; there is at most one OPT (RFC 6891, 6.1.1), and nothing follows them. */
const readAdditional = (
  bytes: Buffer,
  start: number,
  count: number,
): { readonly edns: number | undefined } | undefined => {
  let at = start;
  let edns: number | undefined;
  for (let left = count; left > 0; left -= 1) {
    const afterName = skipName(bytes, at);
    if (afterName === undefined || afterName + 10 > bytes.length) return undefined;
    const end = afterName + 10 + bytes.readUInt16BE(afterName + 8);
    if (end > bytes.length) return undefined;
    if (bytes.readUInt16BE(afterName) === recordType.OPT) {
      if (edns !== undefined || afterName !== at + 1) return undefined;
      edns = bytes.readUInt8(afterName + 5);
    }
    at = end;
  }
  return at === bytes.length ? { edns } : undefined;
};

/** The end of a name; a pointer ends it and is not followed, so there is no loop. */
const skipName = (bytes: Buffer, start: number): number | undefined => {
  for (let at = start; ; ) {
    const length = bytes[at];
    if (length === undefined || at - start > maxNameBytes) return undefined;
    if (length >= 0xc0) return at + 2 <= bytes.length ? at + 2 : undefined;
    if (length > 63) return undefined;
    if (length === 0) return at + 1;
    at += 1 + length;
  }
};

const renderAnswer = ({ type, ttlSeconds, data }: DnsAnswer): Buffer[] => {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | headerBytes, 0); // the name of the question
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return [head, data];
};

/** The upper bits of the code, version 0; 1232 bytes fit into every path's packets. */
const renderOpt = (code: number): Buffer => {
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(recordType.OPT, 1);
  opt.writeUInt16BE(1232, 3);
  opt.writeUInt8(code >> 4, 5);
  return opt;
};
