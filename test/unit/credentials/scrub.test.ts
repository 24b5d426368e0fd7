import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { buildAutomaton } from '../../../src/credentials/automaton.ts';
import { pairEncodings } from '../../../src/credentials/encodings.ts';
import { parsePlaceholder } from '../../../src/credentials/placeholder.ts';
import { openTextScrubber, scrubBytes } from '../../../src/credentials/scrub.ts';

const secret = 'sk-ant-api03-Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0-Ke_uTsAaWq';
const placeholderOf = (text: string): string => (parsePlaceholder(text) as { value: string }).value;
const placeholder = placeholderOf(secret);
const automaton = buildAutomaton(pairEncodings(secret, placeholder));
const scrub = (text: string): string => scrubBytes(automaton, Buffer.from(text, 'latin1')).toString('latin1');

describe('a secret in a text', () => {
  test.each([
    ['as it is', (text: string) => text],
    ['in capitals', (text: string) => text.toUpperCase()],
    ['in small letters', (text: string) => text.toLowerCase()],
    ['URL-encoded', (text: string) => encodeURIComponent(text)],
    ['in JSON', (text: string) => JSON.stringify({ text })],
    ['as hexadecimal', (text: string) => Buffer.from(text).toString('hex')],
    ['as hexadecimal in capitals', (text: string) => Buffer.from(text).toString('hex').toUpperCase()],
    ['within a header', (text: string) => `Authorization: Bearer ${text}\r\n`],
  ])('%s becomes the placeholder', (_, encode) => expect(scrub(encode(secret))).toBe(encode(placeholder)));

  test.each([0, 1, 2, 3, 4, 5].flatMap((before) => [0, 1, 2, 3].map((after) => [before, after] as const)))(
    'in base64 with %i characters before and %i behind it becomes the placeholder',
    (before, after) => {
      for (let round = 0; round < 20; round++) {
        // behind a secret stands text: only a byte beyond ASCII would tell the two alphabets apart by its bits
        const [head, tail] = [randomBytes(before), randomBytes(after).map((byte) => byte & 0x7f)];
        for (const encoding of ['base64', 'base64url'] as const) {
          const encode = (text: string) => Buffer.concat([head, Buffer.from(text), tail]).toString(encoding);
          expect(scrub(`>${encode(secret)}<`)).toBe(`>${encode(placeholder)}<`);
        }
      }
    },
  );

  test('with characters that encodings make longer keeps its length in all of them', () => {
    const odd = 'ab+cd/ef=gh"ij\\kl%mnopq';
    const stand = placeholderOf(odd);
    const table = buildAutomaton(pairEncodings(odd, stand));
    for (const encode of [
      encodeURIComponent,
      JSON.stringify,
      (text: string) => JSON.stringify(text).replaceAll('/', '\\/'),
    ]) {
      const clean = scrubBytes(table, Buffer.from(encode(odd))).toString();
      expect(clean).toBe(encode(stand));
    }
  });

  test('many times, side by side and overlapping a false beginning', () => {
    const text = `${secret}${secret} sk-ant-ap${secret}sk-sk-${secret.slice(0, -1)}`;
    const end = `sk-sk-${placeholder.slice(0, -1)}`;
    expect(scrub(text)).toBe(text.replaceAll(secret, placeholder).slice(0, -end.length) + end);
  });

  test.each([
    ['as it is', (text: string) => text],
    ['in capitals', (text: string) => text.toUpperCase()],
    ['as hexadecimal', (text: string) => Buffer.from(text).toString('hex')],
  ])('at whose first characters the text ends, %s, becomes as many of the placeholder’s', (_, encode) => {
    const whole = encode(secret);
    for (const length of [14, 20, whole.length - 1])
      expect(scrub(`: ${whole.slice(0, length)}`)).toBe(`: ${encode(placeholder).slice(0, length)}`);
    expect(scrub(whole.slice(0, 7))).toBe(whole.slice(0, 7));
  });

  test('whatever does not hold it stays byte for byte', () => {
    for (let round = 0; round < 50; round++) {
      const bytes = randomBytes(randomInt(5000));
      expect(scrubBytes(automaton, bytes).equals(bytes)).toBe(true);
    }
  });
});

describe('a stream', () => {
  test('gives the same wherever it is split', () => {
    for (let round = 0; round < 400; round++) {
      const pieces = Array.from(
        { length: 8 },
        () =>
          [
            secret,
            secret.slice(0, randomInt(secret.length)),
            Buffer.from(`u:${secret}`).toString('base64'),
            ' ',
            's',
            randomBytes(9).toString('latin1'),
          ][randomInt(6)],
      );
      const text = Buffer.from(pieces.join(''), 'latin1');
      const scrubber = openTextScrubber(automaton);
      const out: Buffer[] = [];
      for (let at = 0; at < text.length; ) {
        const end = at + 1 + randomInt(12);
        out.push(Buffer.from(scrubber.write(text.subarray(at, end))));
        at = end;
      }
      out.push(scrubber.end());
      const clean = Buffer.concat(out).toString('latin1');
      expect(clean).toBe(scrub(text.toString('latin1')));
      expect(clean).not.toContain(secret);
      expect(clean).toHaveLength(text.length);
    }
  });

  test('goes on at once where no secret may have begun', () => {
    const scrubber = openTextScrubber(automaton);
    expect(scrubber.write(Buffer.from('data: hello\n\n')).toString()).toBe('data: hello\n\n');
    expect(scrubber.write(Buffer.from('data: sk-ant')).toString()).toBe('data: ');
    expect(scrubber.write(Buffer.from('!')).toString()).toBe('sk-ant!');
  });

  test('holds no more than the longest encoding less one byte, and gives it up at the end', () => {
    const scrubber = openTextScrubber(automaton);
    const hex = Buffer.from(secret).toString('hex');
    expect(scrubber.write(Buffer.from(hex.slice(0, -1))).length).toBe(0);
    expect(scrubber.end().length).toBe(hex.length - 1);
  });

  test('does not change the bytes that it was given', () => {
    const bytes = Buffer.from(`a${secret}b`);
    openTextScrubber(automaton).write(bytes);
    expect(bytes.toString()).toBe(`a${secret}b`);
  });
});

test('several secrets are found in one pass, the longer as well as one that is part of it', () => {
  const pairs = [
    ['abcdefgh12345678', 'ABCDEFGH00000000'],
    ['xx-abcdefgh12345678-yy', 'XX-00000000ABCDEFGH-YY'],
  ].map(([find = '', put = '']) => ({ find: Buffer.from(find), put: Buffer.from(put) }));
  const both = buildAutomaton(pairs);
  expect(scrubBytes(both, Buffer.from('1 abcdefgh12345678 2')).toString()).toBe('1 ABCDEFGH00000000 2');
  expect(scrubBytes(both, Buffer.from('xx-abcdefgh12345678-yy')).toString()).not.toContain('abcdefgh12345678');
});
