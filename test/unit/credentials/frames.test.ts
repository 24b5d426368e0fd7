import { randomBytes, randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { buildAutomaton } from '../../../src/credentials/automaton.ts';
import { openFrameTextScan, openFrameTextScrubber } from '../../../src/credentials/frames.ts';
import { frame, payloadsOf } from '../../support/websocket-frames.ts';

const find = 'sk-secret-0123456789';
const put = 'sk-stands-9876543210';
const automaton = buildAutomaton([{ find: Buffer.from(find), put: Buffer.from(put) }]);

/** What comes out of bytes that arrive in random pieces. */
const inPieces = (bytes: Buffer): Buffer => {
  const scrubber = openFrameTextScrubber(automaton);
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + randomInt(9);
    out.push(Buffer.from(scrubber.write(Buffer.from(bytes.subarray(at, end)))));
    at = end;
  }
  return Buffer.concat([...out, scrubber.end()]);
};

test('a secret split over the frames of one message, a ping between them, is replaced; the framing stays', () => {
  for (let round = 0; round < 60; round++) {
    const at = 1 + randomInt(find.length - 1);
    const long = 'x'.repeat([0, 3, 130, 70_000][randomInt(4)] ?? 0);
    const frames = [
      frame(`${long}${find.slice(0, at)}`, { fin: false }),
      frame('ping', { opcode: 9 }),
      frame(`${find.slice(at)} ${find}`, { opcode: 0 }),
      frame(''),
      frame(find, { opcode: 2 }),
    ];
    const expected = [`${long}${put.slice(0, at)}`, 'ping', `${put.slice(at)} ${put}`, '', put];
    expect(payloadsOf(inPieces(Buffer.concat(frames)))).toEqual(expected);
  }
});

test('a frame that ends a message goes out whole, even if a secret might begin at its end', () => {
  const bytes = frame('ends with sk-sec');
  expect(openFrameTextScrubber(automaton).write(bytes)).toEqual(bytes);
});

test.each([
  ['a message', [frame(`x ${find.slice(0, -1)}`), frame(find.slice(-1))], [`x ${put.slice(0, -1)}`, find.slice(-1)]],
  [
    'a message of two frames',
    [frame(`x ${find.slice(0, 5)}`, { fin: false }), frame(find.slice(5, 12), { opcode: 0 })],
    [`x ${put.slice(0, 5)}`, put.slice(5, 12)],
  ],
  ['the connection', [frame(find.slice(0, 12), { fin: false })], [put.slice(0, 12)]],
])('the first characters of a secret, at which %s ends, are replaced', (_, frames, expected) => {
  expect(payloadsOf(inPieces(Buffer.concat(frames)))).toEqual(expected);
});

test('an extension that was not agreed on ends the stream', () => {
  const bytes = frame('compressed');
  bytes[0] = (bytes[0] ?? 0) | 0x40;
  expect(() => openFrameTextScrubber(automaton).write(bytes)).toThrow('extension');
});

test('a placeholder in masked frames of a client is seen, wherever the bytes are split', () => {
  for (let round = 0; round < 200; round++) {
    const at = randomInt(find.length);
    const frames = [
      frame('hello', { mask: randomBytes(4) }),
      frame(`x${find.slice(0, at)}`, { mask: randomBytes(4), fin: false }),
      frame(find.slice(at), { mask: randomBytes(4), opcode: 0 }),
    ];
    const scan = openFrameTextScan(automaton);
    const bytes = Buffer.concat(frames);
    let seen = false;
    for (let start = 0; start < bytes.length; start += 7) seen = scan.found(bytes.subarray(start, start + 7)) || seen;
    expect(seen).toBe(true);
    expect(openFrameTextScan(automaton).found(frame('hello', { mask: randomBytes(4) }))).toBe(false);
  }
});
