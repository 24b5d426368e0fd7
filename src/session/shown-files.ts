import type { PresentedFile } from '../credentials/open.ts';
import type { Plan } from '../domain/plan.ts';
import { listUsers, openUse } from '../state/use.ts';
import { writeBelow } from '../state/write-below.ts';
import { lockKept, readKept, writeKept } from './kept-credentials.ts';

/** Says that a run with credentials uses the sandbox, before it shows any: another one may be about to take them away. */
export const openEarlyUse = ({ trust, sandbox }: Plan): Disposable | undefined =>
  trust === undefined ? undefined : openUse(sandbox.folder);

/**
 * Shows files of placeholders in a sandbox's HOME, and takes away what earlier runs have shown there and this one does not, unless another run goes
 * on that may need it. To be called under the lock, by a run that is among the sandbox's users.
 */
export const showFiles = (sandbox: Plan['sandbox'], files: readonly PresentedFile[]): void =>
  change(sandbox, files, listUsers(sandbox.folder).length <= 1);

/** Takes away what earlier runs have shown, for a run without credentials, which is not yet among the users. */
export const hideFormer = async (sandbox: Plan['sandbox']): Promise<void> => {
  if (Object.keys(readKept(sandbox).files).length === 0) return;
  using _lock = await lockKept(sandbox);
  change(sandbox, [], listUsers(sandbox.folder).length === 0);
};

const change = (sandbox: Plan['sandbox'], files: readonly PresentedFile[], alone: boolean): void => {
  const home = `${sandbox.folder}/home`;
  const kept = readKept(sandbox);
  const dead = alone ? Object.values(kept.placeholders) : [];
  for (const { path, content, how } of files) {
    writeBelow(home, path, (before) => (how === 'whole' ? content : withLines(without(before ?? '', dead), content)));
  }
  const former = Object.entries(kept.files).filter(([path]) => !files.some((file) => file.path === path));
  const left = former.filter(([path, how]) => !alone || !hide(home, path, (before) => restOf(before, how, dead)));
  const shown = Object.fromEntries([...left, ...files.map(({ path, how }) => [path, how] as const)]);
  if (JSON.stringify(shown) !== JSON.stringify(kept.files)) writeKept(sandbox, { ...kept, files: shown });
};

/** Tells whether it could; a command may have put something in the way, and the next run tries again. */
const hide = (...change: Parameters<typeof writeBelow>): boolean => {
  try {
    writeBelow(...change);
    return true;
  } catch {
    return false;
  }
};

/** What is left of a file: a command may have added to its lines. */
const restOf = (before: string | undefined, how: 'lines' | 'whole', dead: readonly string[]): string | undefined =>
  how === 'whole' || before === undefined ? undefined : without(before, dead) || undefined;

const without = (text: string, dead: readonly string[]): string =>
  text
    .split(/(?<=\n)/)
    .filter((line) => !dead.some((placeholder) => line.includes(placeholder)))
    .join('');

/** The lines of a file with these in place of those that are about the same: up to `=` in an npmrc, `machine NAME` in a netrc. */
const withLines = (before: string, added: string): string => {
  const keyOf = (line: string): string => line.split('=')[0]?.split(/\s+/).slice(0, 2).join(' ') ?? '';
  const keys = new Set(added.split('\n').filter(Boolean).map(keyOf));
  const kept = before.split('\n').filter((line) => line !== '' && !keys.has(keyOf(line)));
  return `${[...kept, added.trimEnd()].join('\n')}\n`;
};
