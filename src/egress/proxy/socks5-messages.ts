/** What a part of the SOCKS5 dialogue holds; `rest` is what follows it. Undefined while it is not complete. */
export type Read<T> = (T & { readonly rest: Buffer }) | { readonly bad: true } | undefined;

export const socksMethod = { none: 0, password: 2, unacceptable: 0xff } as const;

/** RFC 1928, 6. */
export const socksReply = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

/** RFC 1928, 3: the methods that a client can do. */
export const parseGreeting = (bytes: Buffer): Read<{ readonly methods: readonly number[] }> => {
  if (bytes.length > 0 && bytes[0] !== 5) return { bad: true };
  const end = 2 + (bytes[1] ?? 0);
  if (bytes.length < 2 || bytes.length < end) return undefined;
  return { methods: [...bytes.subarray(2, end)], rest: bytes.subarray(end) };
};

/** RFC 1929, 2. */
export const parsePassword = (bytes: Buffer): Read<{ readonly user: string; readonly password: string }> => {
  if (bytes.length > 0 && bytes[0] !== 1) return { bad: true };
  const userEnd = 2 + (bytes[1] ?? 0);
  const end = userEnd + 1 + (bytes[userEnd] ?? 0);
  if (bytes.length < 2 || bytes.length <= userEnd || bytes.length < end) return undefined;
  return {
    user: bytes.toString('utf8', 2, userEnd),
    password: bytes.toString('utf8', userEnd + 1, end),
    rest: bytes.subarray(end),
  };
};

/** RFC 1928, 4; `host` is undefined for a type of address that there is not. */
export const parseSocksRequest = (
  bytes: Buffer,
): Read<{ readonly command: number; readonly host: string | undefined; readonly port: number }> => {
  if (bytes.length > 0 && bytes[0] !== 5) return { bad: true };
  if (bytes.length > 2 && bytes[2] !== 0) return { bad: true };
  if (bytes.length < 5) return undefined;
  const [command = 0, type = 0, nameLength = 0] = [bytes[1], bytes[3], bytes[4]];
  const start = type === 3 ? 5 : 4;
  const length = { 1: 4, 3: nameLength, 4: 16 }[type];
  if (length === undefined) return { command, host: undefined, port: 0, rest: bytes.subarray(bytes.length) };
  if (length === 0) return { bad: true };
  if (bytes.length < start + length + 2) return undefined;
  const host = renderHost(type, bytes.subarray(start, start + length));
  return { command, host, port: bytes.readUInt16BE(start + length), rest: bytes.subarray(start + length + 2) };
};

/** The address that a reply names is of no use to a client of CONNECT: 0.0.0.0:0. */
export const renderSocksReply = (code: number): Buffer => Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);

const renderHost = (type: number, bytes: Buffer): string => {
  if (type === 1) return [...bytes].join('.');
  if (type === 3) return bytes.toString('latin1');
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(':');
};
