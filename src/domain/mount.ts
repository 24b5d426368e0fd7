import { parseWord, refuseOtherHome } from './names.ts';
import { nearest } from './nearest.ts';
import { isRefused, type Parsed } from './parsed.ts';

/** `ro`: read-only; `rw`: changes reach the host; `copy`: a private copy whose changes stay in the sandbox. */
export type MountMode = 'ro' | 'rw' | 'copy';
export const mountModes: readonly MountMode[] = ['ro', 'rw', 'copy'];

/** A mount as it was written, before its source is looked up. */
export interface WrittenMount {
  readonly source: string;
  readonly target?: string;
  readonly mode: MountMode;
}

/** `source[:target][:ro|rw|copy]`; the mode is `ro` if absent; `\:` stands for a colon in a path. */
export const parseMount = (text: string): Parsed<WrittenMount> => {
  const parts = text.split(/(?<!\\):/).map((part) => part.replaceAll('\\:', ':'));
  const [source = '', second, third] = parts;
  if (parts.length > 3) return tooManyParts(text);
  if (third !== undefined) return assemble(source, second, third);
  if (second === undefined || isMode(second)) return assemble(source, undefined, second);
  return isMisspeltMode(second) ? assemble(source, undefined, second) : assemble(source, second, undefined);
};

/** The host side of a mount: absolute, relative to its document, or below `~/`. */
export const parseMountSource = (text: string): Parsed<string> => {
  if (text === '')
    return { problem: 'the source of a mount is empty', hint: 'write "source", "source:rw" or "source:/target:rw"' };
  if (text.includes('\0')) return { problem: 'the source of a mount holds a NUL character', hint: 'remove it' };
  return refuseOtherHome(text) ?? { value: text };
};

/** The inner side of a mount: an absolute path, or one below `~/`, without `..`. */
export const parseMountTarget = (text: string): Parsed<string> => {
  if (text === '')
    return { problem: 'the target of a mount is empty', hint: 'leave it out to use the path of the source' };
  if (text.includes('\0')) return { problem: 'the target of a mount holds a NUL character', hint: 'remove it' };
  const other = refuseOtherHome(text);
  if (other) return other;
  if (!/^~?\//.test(text)) return relativeTarget(text);
  if (!text.split('/').includes('..')) return { value: text };
  return { problem: `the target "${text}" holds ".."`, hint: 'write the path without it' };
};

/** `ro`, `rw` or `copy`. */
const parseMountMode = (text: string): Parsed<MountMode> => parseWord(text, mountModes, 'a mode of a mount');

const isMode = (text: string): boolean => mountModes.some((mode) => mode === text);

/** `data:r0` is a slip in the mode rather than a relative target. */
const isMisspeltMode = (text: string): boolean => /^[\w-]+$/.test(text) && nearest(text, mountModes) !== undefined;

const assemble = (source: string, target: string | undefined, mode: string | undefined): Parsed<WrittenMount> => {
  const from = parseMountSource(source);
  if (isRefused(from)) return from;
  const to = target === undefined ? undefined : parseMountTarget(target);
  if (to !== undefined && isRefused(to)) return to;
  const access = parseMountMode(mode ?? 'ro');
  if (isRefused(access)) return access;
  return { value: { source: from.value, ...(to === undefined ? {} : { target: to.value }), mode: access.value } };
};

const relativeTarget = (text: string): Parsed<never> => {
  const absolute = `/${text.replace(/^(\.\.?\/)+/, '')}`;
  return {
    problem: `a mount cannot have the relative target "${text}"`,
    hint: `write an absolute path, for example "${absolute}"`,
  };
};

const tooManyParts = (text: string): Parsed<never> => ({
  problem: `"${text}" has more than three parts`,
  hint: 'the form is source:target:mode; write a colon in a path as "\\:"',
});
