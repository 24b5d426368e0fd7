import type { PlaceholderScan, Scrubber } from '../domain/injection.ts';
import { type Automaton, replaceBeginning, step } from './automaton.ts';

/** Bytes that are part of one frame: its head, or a piece of its payload. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly payload: boolean;
  readonly control: boolean;
  /** the last piece of the last frame of a message */
  readonly endsMessage: boolean;
  readonly mask: Buffer | undefined;
  /** how much of the payload stood before this piece: the mask goes by it */
  readonly offset: number;
}

/**
 * Replaces texts within messages of WebSocket frames from a server (RFC 6455), also across the frames of one message; the framing stays as it is.
 * No extension may be in use: the payload is taken as it stands. What is split over two messages is not found.
 */
export const openFrameTextScrubber = (automaton: Automaton): Scrubber => {
  const read = openFrameReader();
  const data = openPlaces(automaton);
  const control = openPlaces(automaton);
  let held = Buffer.alloc(0);
  const write = (bytes: Buffer): Buffer => {
    const out = Buffer.concat([held, bytes]);
    const shift = held.length;
    for (const span of read(bytes)) {
      if (!span.payload) continue;
      const places = span.control ? control : data;
      for (let index = span.start; index < span.end; index++) places.take(out, index + shift);
      if (span.endsMessage) places.finish(out);
    }
    const ready = Math.min(out.length, data.firstHeld(), control.firstHeld());
    data.move(ready);
    control.move(ready);
    held = Buffer.from(out.subarray(ready));
    return out.subarray(0, ready);
  };
  const end = (): Buffer => {
    for (const places of [data, control]) places.finish(held);
    return held;
  };
  return { write, end };
};

/** Sees texts within messages of a client's frames. */
export const openFrameTextScan = (automaton: Automaton): PlaceholderScan => {
  const read = openFrameReader();
  const states = { data: 0, control: 0 };
  const found = (bytes: Buffer): boolean => {
    for (const { start, end, payload, control, endsMessage, mask, offset } of read(bytes)) {
      if (!payload) continue;
      const kind = control ? 'control' : 'data';
      for (let index = start; index < end; index++) {
        const key = mask?.[(offset + index - start) & 3] ?? 0;
        states[kind] = step(automaton, states[kind], (bytes[index] ?? 0) ^ key);
        if ((automaton.output[states[kind]] ?? -1) >= 0) return true;
      }
      if (endsMessage) states[kind] = 0;
    }
    return false;
  };
  return { found };
};

/** The places of the bytes that may be the beginning of a text: in a stream of frames they need not lie side by side. */
const openPlaces = (automaton: Automaton) => {
  let state = 0;
  let places: number[] = [];
  const take = (bytes: Buffer, place: number): void => {
    state = step(automaton, state, bytes[place] ?? 0);
    const depth = automaton.depth[state] ?? 0;
    places.push(place);
    if (places.length > depth) places = places.slice(places.length - depth);
    const pair = automaton.pairs[automaton.output[state] ?? -1];
    if (pair === undefined) return;
    put(bytes, pair.put);
    reset();
  };
  /** nothing follows */
  const finish = (bytes: Buffer): void => {
    const beginning = Buffer.from(places.map((place) => bytes[place] ?? 0));
    put(bytes, replaceBeginning(automaton, beginning));
    reset();
  };
  const put = (bytes: Buffer, text: Buffer): void => {
    text.forEach((byte, index) => {
      bytes[places[places.length - text.length + index] as number] = byte;
    });
  };
  const reset = (): void => {
    state = 0;
    places = [];
  };
  const move = (by: number): void => {
    places = places.map((place) => place - by);
  };
  return { take, finish, move, firstHeld: () => places[0] ?? Number.POSITIVE_INFINITY };
};

/** Longest head: two bytes, eight of length, four of mask. */
const openFrameReader = (): ((bytes: Buffer) => readonly Span[]) => {
  let head: number[] = [];
  let left = -1n;
  let offset = 0;
  let shape = { control: false, fin: false, mask: undefined as Buffer | undefined };
  return (bytes) => {
    const spans: Span[] = [];
    let at = 0;
    const payload = (): void => {
      const length = Number(left < BigInt(bytes.length - at) ? left : BigInt(bytes.length - at));
      left -= BigInt(length);
      const { control, fin, mask } = shape;
      const endsMessage = left === 0n && (fin || control);
      spans.push({ start: at, end: at + length, payload: true, control, endsMessage, mask, offset });
      offset = (offset + length) & 3;
      at += length;
      if (left === 0n) left = -1n;
    };
    while (at < bytes.length) {
      if (left >= 0n) {
        payload();
        continue;
      }
      head.push(bytes[at++] as number);
      const parsed = parseHead(head);
      if (parsed === undefined) continue;
      shape = parsed;
      left = parsed.length;
      offset = 0;
      head = [];
      if (left === 0n) payload();
    }
    return spans;
  };
};

const parseHead = (head: readonly number[]) => {
  const [first = 0, second] = head;
  if ((first & 0x70) !== 0) throw new Error('a WebSocket frame uses an extension that was not agreed on');
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const masked = (second & 0x80) !== 0;
  if (head.length < 2 + lengthBytes + (masked ? 4 : 0)) return undefined;
  const long = head.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const mask = masked ? Buffer.from(head.slice(2 + lengthBytes, 6 + lengthBytes)) : undefined;
  const control = (first & 8) !== 0;
  return { control, fin: (first & 0x80) !== 0, mask, length: lengthBytes === 0 ? BigInt(short) : long };
};
