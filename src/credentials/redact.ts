import type { Secret } from '../domain/credential.ts';
import { pairEncodings } from './encodings.ts';

/**
 * Replaces known secrets, in every encoding that responses are searched for, and whatever has the form of a credential: for logs, events and messages.
 */
export const openRedaction = (secrets: readonly Secret[]): ((text: string) => string) => {
  const known = secrets
    .map((secret) => secret.reveal())
    .filter((value) => value !== '')
    .flatMap((value) => pairEncodings(value, '\0'.repeat(value.length)))
    .map(({ find }) => find.toString('latin1'))
    .sort((a, b) => b.length - a.length);
  return (text) => redactForms(known.reduce((rest, find) => rest.replaceAll(find, '[secret]'), text));
};

const forms: readonly (readonly [RegExp, string])[] = [
  [/\b(sk-[a-z]*-?|gh[pousr]_|github_pat_|npm_|pypi-|hf_|gsk_|glpat-|xox[a-z]-|AIza|ya29\.)[\w.-]{16,}/g, '$1[secret]'],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g, '[secret]'],
  [/\b(bearer|basic|token)(\s+)[\w.~+/=-]{12,}/gi, '$1$2[secret]'],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1[secret]@'],
];

const redactForms = (text: string): string =>
  forms.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
