import type { Node } from 'jsonc-parser';
import type { Finding } from './finding.ts';

/** The plain value of a tree; a key without a value (a syntax error) is left out, the last of equal keys counts. */
export const plainValue = (node: Node): unknown => {
  if (node.type === 'array') return children(node).map(plainValue);
  if (node.type !== 'object') return node.value;
  // fromEntries defines a key "__proto__" like any other
  return Object.fromEntries(
    properties(node).flatMap(([key, value]) => (value ? [[key.value, plainValue(value)]] : [])),
  );
};

/** The node of a value, or of its key; the nearest one above where the path leads nowhere. */
export const nodeAt = (root: Node, path: readonly (string | number)[], part: 'key' | 'value'): Node => {
  let node = root;
  for (const [index, step] of path.entries()) {
    const property = node.type === 'object' ? properties(node).findLast(([key]) => key.value === step) : undefined;
    if (property && part === 'key' && index === path.length - 1) return property[0];
    const next = property ? property[1] : typeof step === 'number' ? children(node)[step] : undefined;
    if (next === undefined) return node;
    node = next;
  }
  return node;
};

/** What no schema sees: keys that are there twice, names that JavaScript reserves, and NUL characters. */
export const checkTree = (node: Node): Finding[] => {
  if (node.type === 'string') return checkText(node);
  if (node.type === 'array') return children(node).flatMap(checkTree);
  if (node.type !== 'object') return [];
  const seen = new Set<string>();
  return properties(node).flatMap(([key, value]) => [...checkKey(key, seen), ...(value ? checkTree(value) : [])]);
};

const checkKey = (key: Node, seen: Set<string>): Finding[] => {
  const name = key.value as string;
  const again = seen.has(name);
  seen.add(name);
  if (again)
    return [{ offset: key.offset, message: `duplicate key "${name}"`, hint: 'merge the two, only one can count' }];
  if (reserved.has(name))
    return [{ offset: key.offset, message: `the key "${name}" is not supported`, hint: 'rename it' }];
  return checkText(key);
};

const checkText = (node: Node): Finding[] =>
  (node.value as string).includes('\0')
    ? [
        {
          offset: node.offset,
          message: 'the string holds a NUL character',
          hint: 'remove it: no path or variable can hold one',
        },
      ]
    : [];

const reserved = new Set(['__proto__', 'prototype', 'constructor']);
const children = (node: Node): readonly Node[] => node.children ?? [];

const properties = (node: Node): readonly (readonly [key: Node, value: Node | undefined])[] =>
  children(node).flatMap(({ children: [key, value] = [] }) => (key ? [[key, value] as const] : []));
