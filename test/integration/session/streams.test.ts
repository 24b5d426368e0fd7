import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { assertStreams } from '../../../src/session/streams.ts';
import { aTree } from '../../support/trees.ts';

test('a directory is no standard stream of a command', () => {
  const fd = openSync(aTree({}), 'r');
  try {
    expect(() => assertStreams(['ignore', 'pipe', fd])).toThrow(
      'cannot hand descriptor 2 to the command: it is a directory',
    );
    expect(() => assertStreams([fd, 'pipe', 'pipe'])).toThrow('cannot hand descriptor 0');
  } finally {
    closeSync(fd);
  }
});

test('files, pipes, and what is closed already are left to the command', () => {
  const fd = openSync('/dev/null', 'r');
  assertStreams([fd, 'inherit', 'inherit']);
  closeSync(fd);
  expect(() => assertStreams([fd, 'pipe', 'ignore'])).not.toThrow();
});
