/**
 * Text of an untrusted source as it may go to a terminal: everything outside printable ASCII is written as `\u{…}`, so that no control
 * sequence, no line break and no letter that looks like another one gets through. Cut to `most` characters.
 */
export const printable = (text: string, most = 300): string => {
  const shown = text.length > most ? `${text.slice(0, most)}...` : text;
  return shown.replace(/[^\x20-\x7e]/gu, (letter) => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`);
};

/** JSON of ASCII alone: other letters are written as JSON's own escapes, so that a terminal may show it as it is. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
