import type { Place } from '../domain/problem.ts';

/** Turns offsets of one text into lines and columns; a line ends with LF, CR LF or CR. */
export const placesIn = (file: string, text: string): ((offset: number) => Place) => {
  const starts = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), (match) => match.index + match[0].length)];
  return (offset) => {
    const after = starts.findIndex((start) => start > offset);
    const line = after === -1 ? starts.length : after;
    return { file, line, column: offset - (starts[line - 1] ?? 0) + 1 };
  };
};
