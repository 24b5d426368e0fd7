import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { maxDocumentBytes, readDocument } from '../../../src/profile/read-text.ts';
import { policyFolders } from '../../support/policy-folders.ts';

test('content and text come from one reading, without a byte order mark in the text', () => {
  const file = policyFolders().write('a.json', '\ufeff{}');
  expect(readDocument(file, 'refuse')).toEqual({ bytes: Buffer.from('\ufeff{}'), text: '{}' });
});

test('a file that is not there is not an error here', () => {
  expect(readDocument(join(policyFolders().root, 'none'), 'refuse')).toBeUndefined();
});

test('a link is refused where an agent may have made it, and followed where the operator named it', () => {
  const folders = policyFolders();
  const file = folders.write('a.json', '{}');
  const link = join(folders.root, 'link.json');
  symlinkSync(file, link);
  expect(readDocument(link, 'follow')?.text).toBe('{}');
  expect(() => readDocument(link, 'refuse')).toThrow(`cannot read "${link}": it is a symbolic link`);
  symlinkSync(join(folders.root, 'nowhere'), join(folders.root, 'dangling'));
  expect(() => readDocument(join(folders.root, 'dangling'), 'refuse')).toThrow('it is a symbolic link');
});

test('a pipe or a folder is refused at once', () => {
  const { root } = policyFolders();
  execFileSync('mkfifo', [join(root, 'pipe')]);
  mkdirSync(join(root, 'folder'));
  expect(() => readDocument(join(root, 'pipe'), 'refuse')).toThrow('it is not a regular file');
  expect(() => readDocument(join(root, 'folder'), 'refuse')).toThrow('EISDIR');
});

test('a hard link is a regular file', () => {
  const folders = policyFolders();
  linkSync(folders.write('a.json', '{}'), join(folders.root, 'b.json'));
  expect(readDocument(join(folders.root, 'b.json'), 'refuse')?.text).toBe('{}');
});

test('1 MiB is read whole, one byte more is refused', () => {
  const folders = policyFolders();
  const most = folders.write('most', 'x'.repeat(maxDocumentBytes));
  expect(readDocument(most, 'refuse')?.bytes.length).toBe(maxDocumentBytes);
  const more = folders.write('more', 'x'.repeat(maxDocumentBytes + 1));
  expect(() => readDocument(more, 'refuse')).toThrow(`cannot read "${more}": it holds more than 1 MiB`);
});

test('text that is not UTF-8 is refused', () => {
  const file = policyFolders().write('a.json', Buffer.from([0x7b, 0xff, 0x7d]));
  expect(() => readDocument(file, 'refuse')).toThrow(`cannot read "${file}": it is not valid UTF-8`);
});
