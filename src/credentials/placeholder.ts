import { randomInt } from 'node:crypto';
import type { Parsed } from '../domain/parsed.ts';

/** Shorter secrets can't be told from ordinary text, and would be replaced where they are none. */
const shortestSecret = 12;
const longestSecret = 16_384;
/** Fewer random characters could be guessed, or meet the secret by chance. */
const fewestRandom = 8;

/**
 * A stand-in for a secret: its prefix, length and alphabet, the rest random. Of a JSON Web Token only the signature is replaced: clients read the
 * claims (expiry, account), and without its signature it opens nothing. `draw(n)` gives a number from 0 to n - 1.
 */
export const parsePlaceholder = (secret: string, draw: (below: number) => number = randomInt): Parsed<string> => {
  const wrong = checkSecret(secret);
  if (wrong !== undefined) return wrong;
  const fixed = fixedPart(secret);
  const rest = secret.slice(fixed.length);
  const alphabet = alphabetOf(rest);
  const random = [...rest].filter((letter) => /[A-Za-z0-9]/.test(letter)).length;
  if (random < fewestRandom || alphabet.length < 2) {
    return { problem: 'the credential has too few letters and digits', hint: 'use one of at least 12 characters' };
  }
  for (;;) {
    const stand = fixed + [...rest].map((letter) => replaceLetter(letter, alphabet, draw)).join('');
    if (differsEnough(stand, secret, fixed.length)) return { value: stand };
  }
};

/** Whether a text could have been drawn for a secret: one that is kept goes on standing for a value that was replaced by another of its form. */
export const isPlaceholderOf = (stand: string, secret: string): boolean => {
  const fixed = fixedPart(secret).length;
  const alphabet = alphabetOf(secret.slice(fixed));
  const isPossible = (letter: string, index: number): boolean =>
    index >= fixed && /[A-Za-z0-9]/.test(secret[index] ?? '') ? alphabet.includes(letter) : letter === secret[index];
  return stand.length === secret.length && [...stand].every(isPossible) && differsEnough(stand, secret, fixed);
};

/** The part of a secret that makes it one: the signature of a JSON Web Token, else all. */
export const decisivePart = (secret: string): string => (isWebToken(secret) ? lastPart(secret) : secret);

/** A secret goes into a header: nothing that ends one, nothing that HTTP would trim. */
const checkSecret = (secret: string): { problem: string; hint: string } | undefined => {
  if (!/^[\x21-\x7e]*$/.test(secret))
    return { problem: 'the credential holds a space or a control character', hint: 'store it on one line, alone' };
  if (secret.length < shortestSecret)
    return { problem: `the credential has less than ${shortestSecret} characters`, hint: 'a short one can be guessed' };
  if (secret.length > longestSecret)
    return { problem: `the credential has more than ${longestSecret} characters`, hint: 'is it the right file?' };
  return undefined;
};

/** Forms of issuers: what stands before the random part. */
const prefixes =
  /^(sk-ant-[a-z]+\d\d-|sk-(proj|svcacct|admin|or-v1|lf)-|sk-|gh[a-z]_|github_pat_|npm_|pypi-|hf_|gsk_|AIza|ya29\.|1\/\/|rt_|glpat-|xox[a-z]-|xai-|pplx-)/;

const fixedPart = (secret: string): string => {
  if (isWebToken(secret)) return secret.slice(0, secret.length - lastPart(secret).length + 1);
  // the first letter of one without a known form: its base64 shares a letter with what stands before it
  const prefix = prefixes.exec(secret)?.[0] ?? '';
  return prefix.length > 0 && secret.length - prefix.length >= fewestRandom ? prefix : secret.slice(0, 1);
};

const isWebToken = (secret: string): boolean =>
  /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(secret) && lastPart(secret).length >= 32;

const lastPart = (secret: string): string => secret.slice(secret.lastIndexOf('.') + 1);

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const lower = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';

/** The letters and digits to draw from: hexadecimal stays so. */
const alphabetOf = (text: string): string => {
  const letters = text.replace(/[^A-Za-z0-9]/g, '');
  if (/^[0-9a-f]*$/.test(letters)) return `${digits}abcdef`;
  if (/^[0-9A-F]*$/.test(letters)) return `${digits}ABCDEF`;
  return [upper, lower, digits].filter((set) => [...set].some((letter) => letters.includes(letter))).join('');
};

/** Other characters stay where they are, so that every encoding of both has the same length. */
const replaceLetter = (letter: string, alphabet: string, draw: (below: number) => number): string =>
  /[A-Za-z0-9]/.test(letter) ? (alphabet[draw(alphabet.length)] ?? letter) : letter;

/** True if no run of five letters behind the prefix is the secret's own at the same place. */
const differsEnough = (stand: string, secret: string, from: number): boolean => {
  let same = 0;
  for (let index = from; index < secret.length; index++) {
    same = stand[index] === secret[index] && /[A-Za-z0-9]/.test(stand[index] ?? '') ? same + 1 : 0;
    if (same >= 5) return false;
  }
  return stand !== secret;
};
