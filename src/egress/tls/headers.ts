type Header = readonly [string, string];

/** Node's flat list of names and values as pairs. */
export const pairHeaders = (raw: readonly string[]): Header[] => {
  const pairs: Header[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) pairs.push([raw[index] ?? '', raw[index + 1] ?? '']);
  return pairs;
};

/** Without what is meant for the next hop alone: the fixed ones, and those that `Connection` names (RFC 9110, 7.6.1). */
export const withoutHopByHop = (headers: readonly Header[]): Header[] => {
  const named = valuesOf(headers, 'connection').flatMap((value) =>
    value.split(',').map((name) => name.trim().toLowerCase()),
  );
  return headers.filter(([name]) => !hopByHop.has(name.toLowerCase()) && !named.includes(name.toLowerCase()));
};

/** All values of one name, in any spelling. */
export const valuesOf = (headers: readonly Header[], name: string): string[] =>
  headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);

export const without = (headers: readonly Header[], ...names: readonly string[]): Header[] =>
  headers.filter(([name]) => !names.includes(name.toLowerCase()));

/** What `setHeader` takes: each name once, several values as a list. */
export const groupHeaders = (headers: readonly Header[]): Map<string, string | string[]> => {
  const groups = new Map<string, { name: string; values: string[] }>();
  for (const [name, value] of headers) {
    const group = groups.get(name.toLowerCase()) ?? { name, values: [] };
    group.values.push(value);
    groups.set(name.toLowerCase(), group);
  }
  return new Map(
    [...groups.values()].map(({ name, values }) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
};

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
