/** Header fields in their order, as name and value in turns: the form of `rawHeaders`. */
export type Fields = readonly string[];

/** Fields that concern one connection and not the message (RFC 9110, 7.6.1), with those that concern the proxy itself. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** What the Connection field must not take away: where the message ends, and who it is for. */
const kept = new Set(['content-length', 'host']);

/** Fields that a trailer must not bring (RFC 9110, 6.5.1). */
const notInTrailers = new Set([
  'content-length',
  'host',
  'trailer',
  'authorization',
  'set-cookie',
  'content-encoding',
  'content-type',
]);

export const valuesOf = (fields: Fields, name: string): string[] =>
  pairsOf(fields).flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : []));

/** The lower-case words of a field that is a list. */
export const wordsOf = (fields: Fields, name: string): string[] =>
  valuesOf(fields, name)
    .flatMap((value) => value.split(','))
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '');

/** The fields that go on, without those of the connection and those that the Connection field names. */
export const forwardedFields = (fields: Fields, without: readonly string[] = []): [string, string][] => {
  const named = wordsOf(fields, 'connection').filter((word) => !kept.has(word));
  const dropped = new Set([...named, ...without]);
  return pairsOf(fields).filter(([name]) => !hopByHop.has(name.toLowerCase()) && !dropped.has(name.toLowerCase()));
};

export const forwardedTrailers = (fields: Fields): [string, string][] =>
  forwardedFields(fields).filter(([name]) => !notInTrailers.has(name.toLowerCase()));

/** Fields by name, as Node's client takes them: of two names that differ in case alone, the first one's spelling. */
export const groupFields = (pairs: readonly (readonly [string, string])[]): Record<string, string | string[]> => {
  const groups = new Map<string, [string, string[]]>();
  for (const [name, value] of pairs) {
    const group = groups.get(name.toLowerCase());
    if (group === undefined) groups.set(name.toLowerCase(), [name, [value]]);
    else group[1].push(value);
  }
  const record: Record<string, string | string[]> = Object.create(null);
  for (const [name, values] of groups.values()) record[name] = values.length === 1 ? (values[0] ?? '') : values;
  return record;
};

export const pairsOf = (fields: Fields): [string, string][] => {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) pairs.push([fields[at] ?? '', fields[at + 1] ?? '']);
  return pairs;
};

/** Where a message's body ends: the parser has refused what is ambiguous (RFC 9112, 6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'unknown';

export const framingOf = (fields: Fields): Framing => {
  const codings = valuesOf(fields, 'transfer-encoding');
  const lengths = valuesOf(fields, 'content-length');
  if (codings.length > 0) {
    const isPlain = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked' && lengths.length === 0;
    return isPlain ? 'chunked' : 'unknown';
  }
  if (lengths.length > 1) return 'unknown';
  return lengths.length === 1 ? 'length' : 'none';
};
