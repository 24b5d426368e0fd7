import { describe, expect, test } from 'vitest';
import { parseMount } from '../../../src/domain/mount.ts';

describe('a mount', () => {
  test.each([
    ['/data', { source: '/data', mode: 'ro' }],
    ['./data', { source: './data', mode: 'ro' }],
    ['~', { source: '~', mode: 'ro' }],
    ['~/.gitconfig:ro', { source: '~/.gitconfig', mode: 'ro' }],
    ['/data:rw', { source: '/data', mode: 'rw' }],
    ['/data:copy', { source: '/data', mode: 'copy' }],
    ['/a:/b', { source: '/a', target: '/b', mode: 'ro' }],
    ['/a:~/b:rw', { source: '/a', target: '~/b', mode: 'rw' }],
    ['~/data:/data:rw', { source: '~/data', target: '/data', mode: 'rw' }],
    ['./ro:/rw:copy', { source: './ro', target: '/rw', mode: 'copy' }],
    ['/with\\:colon:/in\\:side:rw', { source: '/with:colon', target: '/in:side', mode: 'rw' }],
    ['./rw', { source: './rw', mode: 'ro' }],
    ['/back\\slash', { source: '/back\\slash', mode: 'ro' }],
    ['/with space/ü', { source: '/with space/ü', mode: 'ro' }],
  ])('%s', (text, value) => expect(parseMount(text)).toEqual({ value }));

  test.each([
    ['', 'the source of a mount is empty', 'write "source", "source:rw" or "source:/target:rw"'],
    [':/data', 'the source of a mount is empty', 'write "source", "source:rw" or "source:/target:rw"'],
    ['/a\0b', 'the source of a mount holds a NUL character', 'remove it'],
    ['/a:/b\0', 'the target of a mount holds a NUL character', 'remove it'],
    ['/a::ro', 'the target of a mount is empty', 'leave it out to use the path of the source'],
    ['/a:', 'the target of a mount is empty', 'leave it out to use the path of the source'],
    ['/a:data', 'a mount cannot have the relative target "data"', 'write an absolute path, for example "/data"'],
    [
      '/a:./data/x:rw',
      'a mount cannot have the relative target "./data/x"',
      'write an absolute path, for example "/data/x"',
    ],
    ['/a:~data', '"~data" is not supported', 'write the full path, or "~/..." for your own home'],
    ['/a:~/../data', 'the target "~/../data" holds ".."', 'write the path without it'],
    ['/a:rw:ro', 'a mount cannot have the relative target "rw"', 'write an absolute path, for example "/rw"'],
    ['/a:/b/../etc', 'the target "/b/../etc" holds ".."', 'write the path without it'],
    ['/a:r0', '"r0" is not a mode of a mount', 'did you mean "ro"?'],
    ['/a:cpoy', '"cpoy" is not a mode of a mount', 'did you mean "copy"?'],
    ['/a:RW', '"RW" is not a mode of a mount', 'did you mean "rw"?'],
    ['/a:/b:write', '"write" is not a mode of a mount', 'use "ro", "rw", "copy"'],
    ['/a:/b:', '"" is not a mode of a mount', 'use "ro", "rw", "copy"'],
    [
      '/a:/b:rw:ro',
      '"/a:/b:rw:ro" has more than three parts',
      'the form is source:target:mode; write a colon in a path as "\\:"',
    ],
    ['~bob/data', '"~bob" is not supported', 'write the full path, or "~/..." for your own home'],
  ])('%j is refused', (text, problem, hint) => expect(parseMount(text)).toEqual({ problem, hint }));
});
