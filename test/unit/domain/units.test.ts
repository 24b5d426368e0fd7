import { describe, expect, test } from 'vitest';
import { parseCount, parseDuration, parseSize, parseUser } from '../../../src/domain/units.ts';

const KiB = 1024;

describe('a size', () => {
  test.each([
    ['1', 1],
    ['512', 512],
    [4096, 4096],
    ['512B', 512],
    ['1K', KiB],
    ['512M', 512 * KiB ** 2],
    ['4G', 4 * KiB ** 3],
    ['2T', 2 * KiB ** 4],
    ['4g', 4 * KiB ** 3],
    ['64k', 64 * KiB],
    ['1KiB', KiB],
    ['1.5GiB', 1.5 * KiB ** 3],
    ['0.5M', 512 * KiB],
    ['1.3K', 1331],
    ['8191T', 8191 * KiB ** 4],
    ['9007199254740991', 2 ** 53 - 1],
  ])('%s is %d bytes', (text, value) => expect(parseSize(text)).toEqual({ value }));

  test.each([
    '',
    ' ',
    '-1',
    '-4G',
    '+4G',
    'G',
    '4X',
    '4 G',
    ' 4G',
    '4G ',
    '1e3',
    '0x10',
    '1.5',
    '1.5B',
    '.5G',
    '4.G',
    '4,5G',
    'NaN',
    'Infinity',
    '0',
    '0G',
    '0.0001K',
    '9007199254740992',
    '8192T',
    '1'.repeat(400),
    -1,
    0,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '4\0G',
    '４G',
  ])('%j is refused', (text) =>
    expect(parseSize(text)).toEqual({ problem: expect.any(String), hint: expect.any(String) }),
  );

  test.each([
    ['4GB', { problem: '"4GB" is not a size', hint: 'write "4G" (units are powers of 1024)' }],
    ['1.5 gb', { problem: '"1.5 gb" is not a size', hint: 'write "1.5G" (units are powers of 1024)' }],
    ['much', { problem: '"much" is not a size', hint: 'write "512M", "4G" or "1.5GiB" (units are powers of 1024)' }],
    ['0', { problem: '"0" is less than one byte', hint: 'write a size above 0, for example "512M"' }],
    ['9000T', { problem: '"9000T" is too large for a size', hint: 'the most is "8191T"' }],
  ])('%s is refused with what would be right', (text, refusal) => expect(parseSize(text)).toEqual(refusal));
});

describe('a duration', () => {
  test.each([
    ['500ms', 500],
    ['1s', 1000],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['1d', 86_400_000],
    ['1m1ms', 60_001],
    ['24d', 24 * 86_400_000],
    ['0h5m', 300_000],
  ])('%s is %d ms', (text, value) => expect(parseDuration(text)).toEqual({ value }));

  test.each([
    '',
    '0',
    '0s',
    '-1s',
    '1.5h',
    '30m1h',
    '1 h',
    's',
    '1H',
    '1h ',
    'NaN',
    '1hh',
    '25d',
    '99999999999s',
    '1s\n',
  ])('%j is refused', (text) =>
    expect(parseDuration(text)).toEqual({ problem: expect.any(String), hint: expect.any(String) }),
  );

  test.each([
    ['90', { problem: '"90" is not a duration', hint: 'add a unit, for example "90s" or "90m"' }],
    ['soon', { problem: '"soon" is not a duration', hint: 'write "90s", "500ms", "2h" or "1h30m"' }],
    ['0s', { problem: '"0s" is no time at all', hint: 'write a duration above 0, for example "90s"' }],
    ['25d', { problem: '"25d" is too large for a duration', hint: 'the most is "24d"' }],
  ])('%s is refused with what would be right', (text, refusal) => expect(parseDuration(text)).toEqual(refusal));
});

describe('a count', () => {
  test.each([
    ['1', 1],
    [512, 512],
    ['2147483647', 2 ** 31 - 1],
  ])('%s is taken', (text, value) => expect(parseCount(text)).toEqual({ value }));
  test.each(['', '0', 0, -1, 1.5, '1.5', '01', '1e3', '2147483648', Number.NaN, 'many'])('%s is refused', (text) =>
    expect(parseCount(text)).toEqual({
      problem: `"${text}" is not a whole number from 1 to 2147483647`,
      hint: 'for example 512',
    }),
  );
});

describe('users', () => {
  test.each([
    ['1000', { uid: 1000, gid: 1000 }],
    ['0', { uid: 0, gid: 0 }],
    ['1000:4294967294', { uid: 1000, gid: 4294967294 }],
  ])('%s', (text, value) => expect(parseUser(text)).toEqual({ value }));

  test.each(['', 'nobody', '-1', '1.5', '4294967295', '1000:', ':5', '1:2:3', '0x10'])('"%s" is none', (text) =>
    expect(parseUser(text)).toEqual({ problem: `"${text}" is not a user id`, hint: expect.any(String) }),
  );
});
