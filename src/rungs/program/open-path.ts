import {
  AT_FDCWD,
  O_CLOEXEC,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../syscall/constants.ts';
import type { CallOptions, Data, Program, Slot } from '../../syscall/program.ts';

export type Folder = Slot | typeof AT_FDCWD;

/** Opens a path without following any link; below `folder`, never above it, if that is a descriptor (openat2(2), Linux 5.6). */
export const openPath = (program: Program, folder: Folder, path: string | Slot, options?: CallOptions): Slot => {
  const resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (folder === AT_FDCWD ? 0 : RESOLVE_IN_ROOT);
  const how = program.constantWords([O_PATH | O_CLOEXEC, 0, resolve]);
  return program.call('openat2', [folder, pathValue(program, path), how, 24], options);
};

/** A place below an open folder, or, with an empty path, the open place itself. */
export interface Place {
  readonly folder: Folder;
  readonly path: string | Slot;
}

/** A path as an argument: a text, or what a slot points to. */
export const pathValue = (program: Program, path: string | Slot): Data | Slot =>
  typeof path === 'string' ? program.string(path) : path;
