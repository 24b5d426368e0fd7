/** One frame of RFC 6455; text, whole and unmasked unless it is said otherwise. */
export const frame = (
  text: string,
  { opcode = 1, fin = true, mask }: { opcode?: number; fin?: boolean; mask?: Buffer } = {},
): Buffer => {
  const payload = Buffer.from(text);
  const short = payload.length < 126 ? payload.length : payload.length < 65_536 ? 126 : 127;
  const length = Buffer.alloc(short === 127 ? 8 : short === 126 ? 2 : 0);
  if (short === 127) length.writeBigUInt64BE(BigInt(payload.length));
  else if (short === 126) length.writeUInt16BE(payload.length);
  const head = Buffer.from([(fin ? 0x80 : 0) | opcode, (mask === undefined ? 0 : 0x80) | short]);
  const body = mask === undefined ? payload : Buffer.from(payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0)));
  return Buffer.concat([head, length, mask ?? Buffer.alloc(0), body]);
};

/** The payloads of complete frames, masked or not. */
export const payloadsOf = (bytes: Buffer): string[] => {
  const payloads: string[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const second = bytes[at + 1] ?? 0;
    const short = second & 0x7f;
    const extra = short === 127 ? 8 : short === 126 ? 2 : 0;
    const length =
      extra === 8 ? Number(bytes.readBigUInt64BE(at + 2)) : extra === 2 ? bytes.readUInt16BE(at + 2) : short;
    const masked = (second & 0x80) !== 0;
    const start = at + 2 + extra + (masked ? 4 : 0);
    if (start + length > bytes.length) break;
    const mask = bytes.subarray(start - 4, start);
    const body = Buffer.from(bytes.subarray(start, start + length));
    payloads.push(Buffer.from(masked ? body.map((byte, index) => byte ^ (mask[index & 3] ?? 0)) : body).toString());
    at = start + length;
  }
  return payloads;
};
