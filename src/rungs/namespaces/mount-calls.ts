import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  O_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../syscall/constants.ts';
import type { Program, Slot } from '../../syscall/program.ts';
import { type Place, pathValue } from '../program/open-path.ts';

/** A mount of its own of a new file system instance: tmpfs, proc or devpts (fsopen(2), Linux 5.2). */
export const newMount = (
  program: Program,
  type: string,
  settings: Readonly<Record<string, string | true>>,
  attributes: number,
): Slot => {
  const context = program.call('fsopen', [program.string(type), FSOPEN_CLOEXEC]);
  for (const [key, value] of Object.entries(settings)) {
    const [command, text] = value === true ? [FSCONFIG_SET_FLAG, 0] : [FSCONFIG_SET_STRING, program.string(value)];
    program.call('fsconfig', [context, command, program.string(key), text, 0]);
  }
  program.call('fsconfig', [context, FSCONFIG_CMD_CREATE, 0, 0, 0]);
  const mount = program.call('fsmount', [context, FSMOUNT_CLOEXEC, attributes]);
  program.call('close', [context]);
  return mount;
};

/** A detached copy of what is mounted at an open place, all below it included, with further attributes (open_tree(2)). */
export const cloneMount = (program: Program, source: Slot, attributes: number): Slot => {
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
  const tree = program.call('open_tree', [source, program.string(''), flags]);
  setAttributes(program, tree, attributes, AT_RECURSIVE);
  return tree;
};

/** Adds attributes to a mount; they can't be taken away again by a less privileged namespace (mount_setattr(2), Linux 5.12). */
export const setAttributes = (program: Program, mount: Slot, attributes: number, flags: number): void => {
  const change = program.constantWords([attributes, 0, 0, 0]); // struct mount_attr: set, clear, propagation, user namespace
  program.call('mount_setattr', [mount, program.string(''), AT_EMPTY_PATH | flags, change, 32]);
};

/** Puts a detached mount in its place, and closes the place if it was opened for that (move_mount(2)). */
export const attach = (program: Program, mount: Slot, { folder, path }: Place): void => {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | (path === '' ? MOVE_MOUNT_T_EMPTY_PATH : 0);
  program.call('move_mount', [mount, program.string(''), folder, pathValue(program, path), flags]);
  if (path === '') program.call('close', [folder]);
};

/** Shows what is at an open source in another place; closes the source. */
export const bind = (program: Program, source: Slot, attributes: number, place: Place): void => {
  const tree = cloneMount(program, source, attributes);
  attach(program, tree, place);
  program.call('close', [source]);
  program.call('close', [tree]);
};
