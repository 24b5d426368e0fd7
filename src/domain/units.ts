import type { Parsed } from './parsed.ts';

/** Text to bytes: `4G`, `512M`, `1.5GiB` or a plain number of bytes; units are powers of 1024; from 1 to 2^53 - 1. */
export const parseSize = (text: string | number): Parsed<number> => {
  const [, digits, unit = ''] = sizePattern.exec(String(text)) ?? [];
  const wholeOnly = unit === '' || unit.toUpperCase() === 'B';
  if (digits === undefined || (wholeOnly && digits.includes('.'))) return notASize(text);
  const value = Math.floor(Number(digits) * factorOf(unit));
  if (value < 1)
    return { problem: `"${text}" is less than one byte`, hint: 'write a size above 0, for example "512M"' };
  return Number.isSafeInteger(value) ? { value } : tooLarge(text, 'a size', '"8191T"');
};

/** Text to milliseconds: `2h`, `90s`, `500ms`, `1h30m`; from 1 ms to what one timer can hold (2^31 - 1 ms, 24 days). */
export const parseDuration = (text: string): Parsed<number> => {
  const parts = durationPattern.exec(text);
  if (text === '' || parts === null) return notADuration(text);
  const value = durationUnits.reduce((sum, [, ms], index) => sum + Number(parts[index + 1] ?? 0) * ms, 0);
  if (value === 0)
    return { problem: `"${text}" is no time at all`, hint: 'write a duration above 0, for example "90s"' };
  return value <= longestTimer ? { value } : tooLarge(text, 'a duration', '"24d"');
};

/** Text or number to a whole number from 1 to 2^31 - 1: a number of processes or files. */
export const parseCount = (text: string | number): Parsed<number> => {
  const value = /^[1-9]\d*$/.test(String(text)) ? Number(text) : Number.NaN;
  if (value <= largestCount) return { value };
  return { problem: `"${text}" is not a whole number from 1 to ${largestCount}`, hint: 'for example 512' };
};

/** `uid` or `uid:gid`; the group has the user's number if none is named. */
export const parseUser = (text: string): Parsed<{ readonly uid: number; readonly gid: number }> => {
  const [, uid, gid = uid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text) ?? [];
  const ids = { uid: Number(uid), gid: Number(gid) };
  if (uid !== undefined && ids.uid < largestId && ids.gid < largestId) return { value: ids };
  return { problem: `"${text}" is not a user id`, hint: 'for example 1000 or 1000:1000' };
};

/** (uid_t) -1 stands for no user (credentials(7)). */
const largestId = 2 ** 32 - 1;

/** The form of a size, for editors; parseSize also checks the range. */
export const sizePattern = /^(\d{1,16}(?:\.\d{1,6})?)(B|[KMGT](?:iB)?|[kmgt])?$/;

/** The form of a duration, for editors; parseDuration also checks the range. */
export const durationPattern = /^(?:(\d{1,10})d)?(?:(\d{1,10})h)?(?:(\d{1,10})m)?(?:(\d{1,10})s)?(?:(\d{1,10})ms)?$/;

/** The most processes, files and so on that can be declared. */
export const largestCount = 2 ** 31 - 1;

const longestTimer = 2 ** 31 - 1;
const durationUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

const factorOf = (unit: string): number => 1024 ** Math.max(0, ' KMGT'.indexOf(unit.charAt(0).toUpperCase() || ' '));

const notASize = (text: string | number): Parsed<never> => {
  const [, digits, letter] = /^(\d+(?:\.\d+)?) ?([kmgt])i?b?(?:ytes)?$/i.exec(String(text)) ?? [];
  const example = letter === undefined ? '"512M", "4G" or "1.5GiB"' : `"${digits}${letter.toUpperCase()}"`;
  return { problem: `"${text}" is not a size`, hint: `write ${example} (units are powers of 1024)` };
};

const notADuration = (text: string): Parsed<never> => {
  const bare = /^[1-9]\d*$/.test(text);
  const hint = bare ? `add a unit, for example "${text}s" or "${text}m"` : 'write "90s", "500ms", "2h" or "1h30m"';
  return { problem: `"${text}" is not a duration`, hint };
};

const tooLarge = (text: string | number, what: string, most: string): Parsed<never> => ({
  problem: `"${text}" is too large for ${what}`,
  hint: `the most is ${most}`,
});
