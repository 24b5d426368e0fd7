import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';

/** An entry of a tree: a directory, a link's text, a program, or a file's content. */
export type Entry = { readonly dir: true } | { readonly link: string } | { readonly program: string } | string;

/** A shorthand for a directory. */
export const dir = { dir: true } as const;
/** A symbolic link with this text; `~` at its beginning stands for the tree's root. */
export const link = (text: string): Entry => ({ link: text });
/** An executable file. */
export const program = (content = '#!/bin/sh\n'): Entry => ({ program: content });

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

/** Makes a temporary tree, readable for everyone, and returns its root without links; it is removed after the test. */
export const aTree = (entries: Readonly<Record<string, Entry>>, below = tmpdir()): string => {
  const root = realpathSync(mkdtempSync(join(below, 'sbox-tree-')));
  roots.push(root);
  chmodSync(root, 0o755);
  for (const [path, entry] of Object.entries(entries)) {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    if (typeof entry === 'string') writeFileSync(place, entry);
    else if ('dir' in entry) mkdirSync(place, { recursive: true });
    else if ('link' in entry) symlinkSync(entry.link.replace(/^~/, root), place);
    else writeFileSync(place, entry.program.replaceAll('~', root), { mode: 0o755 });
  }
  return root;
};
