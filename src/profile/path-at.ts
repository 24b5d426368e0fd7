import { findNodeAtOffset, getNodePath, parseTree } from 'jsonc-parser';

/** The path of the value, or of the key, at a place of a JSON text. */
export const pathAt = (text: string, offset: number): readonly (string | number)[] => {
  const root = parseTree(text);
  const node = root && findNodeAtOffset(root, offset);
  return node === undefined ? [] : getNodePath(node);
};
