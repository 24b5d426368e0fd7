/** What a parser of one value gives: the value, or what is wrong with the text and what would be right. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string; readonly hint: string };

/** Whether a parser refused its text. */
export const isRefused = <T>(parsed: Parsed<T>): parsed is { readonly problem: string; readonly hint: string } =>
  'problem' in parsed;
