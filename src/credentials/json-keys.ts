/** A value of a parsed JSON document by the names that lead to it, or undefined. */
export const keysOf = (document: unknown, keys: readonly string[]): unknown => {
  let value = document;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
};

/** A copy of a document with one value replaced; objects that lack on the way are made. */
export const withKeys = (document: unknown, keys: readonly string[], value: unknown): unknown => {
  const [first, ...rest] = keys;
  if (first === undefined) return value;
  const object = typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {};
  const inner = Object.hasOwn(object, first) ? object[first] : undefined;
  return { ...object, [first]: withKeys(inner, rest, value) };
};
