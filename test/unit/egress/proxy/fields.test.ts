import { expect, test } from 'vitest';
import { forwardedFields, forwardedTrailers, framingOf, groupFields } from '../../../../src/egress/proxy/fields.ts';

test('fields of one connection stay behind, with those that Connection names', () => {
  const fields = [
    'Connection',
    'close, X-One',
    'X-One',
    '1',
    'Keep-Alive',
    '5',
    'TE',
    'trailers',
    'Upgrade',
    'x',
    'Proxy-Authorization',
    'Basic x',
    'X-Two',
    '2',
  ];
  expect(forwardedFields(fields)).toEqual([['X-Two', '2']]);
});

test('Connection can not take away where the body ends', () => {
  const fields = ['Connection', 'content-length, host', 'Content-Length', '5', 'Host', 'a.test'];
  expect(forwardedFields(fields)).toEqual([
    ['Content-Length', '5'],
    ['Host', 'a.test'],
  ]);
});

test('a trailer brings no framing and no credential', () => {
  const fields = [
    'X-Sum',
    '1',
    'Content-Length',
    '5',
    'Transfer-Encoding',
    'chunked',
    'Authorization',
    'x',
    'Host',
    'b.test',
  ];
  expect(forwardedTrailers(fields)).toEqual([['X-Sum', '1']]);
});

test.each([
  [[], 'none'],
  [['Content-Length', '5'], 'length'],
  [['Transfer-Encoding', 'Chunked'], 'chunked'],
  [['Content-Length', '5', 'content-length', '5'], 'unknown'],
  [['Transfer-Encoding', 'chunked', 'Content-Length', '5'], 'unknown'],
  [['Transfer-Encoding', 'gzip, chunked'], 'unknown'],
  [['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], 'unknown'],
  [['Transfer-Encoding', 'identity'], 'unknown'],
])('%j: %s', (fields, framing) => {
  expect(framingOf(fields)).toBe(framing);
});

test('repeated fields stay apart, whatever their case and name', () => {
  const grouped = groupFields([
    ['X-A', '1'],
    ['x-a', '2'],
    ['__proto__', '3'],
  ]);
  expect(Object.entries(grouped)).toEqual([
    ['X-A', ['1', '2']],
    ['__proto__', '3'],
  ]);
});
