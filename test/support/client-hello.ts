/** A ClientHello that has nothing but what it must have, and a server name. */
export const aClientHello = (serverName?: string, extensions: readonly Buffer[] = []): Buffer => {
  const all = [...(serverName === undefined ? [] : [serverNameExtension(serverName)]), ...extensions];
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(0)),
    vector(2, Buffer.from([0x13, 0x01])),
    vector(1, Buffer.from([0])),
    vector(2, Buffer.concat(all)),
  ]);
  return aRecord(Buffer.concat([Buffer.from([1]), vector(3, body)]));
};

export const aRecord = (payload: Buffer, type = 22): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 1]), vector(2, payload)]);

export const anExtension = (type: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(type);
  return Buffer.concat([head, vector(2, data)]);
};

export const serverNameExtension = (name: string): Buffer =>
  anExtension(0, vector(2, Buffer.concat([Buffer.from([0]), vector(2, Buffer.from(name, 'latin1'))])));

/** The same handshake in records of a few bytes each. */
export const splitRecords = (record: Buffer, size: number): Buffer => {
  const payload = record.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < payload.length; at += size) records.push(aRecord(payload.subarray(at, at + size)));
  return Buffer.concat(records);
};

const vector = (lengthBytes: number, data: Buffer): Buffer => {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(data.length, 0, lengthBytes);
  return Buffer.concat([length, data]);
};
