import type { NamespaceVariant } from '../../domain/facts.ts';
import type { PlannedMount } from '../../domain/plan.ts';
import {
  AT_FDCWD,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_MOVE,
  MS_PRIVATE,
  MS_REC,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_WRONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
} from '../../syscall/constants.ts';
import type { Program, Slot } from '../../syscall/program.ts';
import { openPath } from '../program/open-path.ts';
import { TargetTree } from '../program/targets.ts';
import { mountDevices, mountProc, sizeLimit } from './kernel-files.ts';
import { attach, bind, newMount, setAttributes } from './mount-calls.ts';
import type { NamespacePlan } from './plan.ts';

/**
 * Puts the root together on a tmpfs over `scaffold` and returns the slot of its descriptor. The order of plan.mounts is the order
 * of mounting: parents before what lies in them. Sources are opened without following any link (openat2(2),
 * RESOLVE_NO_SYMLINKS), targets likewise and below the new root, so that a link planted in a writable tree ends the run
 * instead of leading a mount astray.
 */
export const buildRoot = (program: Program, plan: NamespacePlan, scaffold: string): Slot => {
  program.goal = 'put the root together';
  program.call('mount', [0, program.string('/'), 0, MS_REC | MS_PRIVATE, 0]);
  const covered = openPath(program, AT_FDCWD, scaffold);
  const root = newMount(program, 'tmpfs', { mode: '0755', size: '16m' }, writable);
  attach(program, root, { folder: AT_FDCWD, path: scaffold });
  const targets = new TargetTree(program, root, plan.home);
  const openSource = (path: string): Slot =>
    path === scaffold || path.startsWith(`${scaffold}/`)
      ? openPath(program, covered, path.slice(scaffold.length + 1) || '.')
      : openPath(program, AT_FDCWD, path);
  const builder = { targets, openSource, plan };
  for (const mount of plan.mounts) if (!isOptional(mount)) renderMount(program, builder, mount);
  bindOptional(program, targets, plan.mounts.filter(isOptional));
  return root;
};

interface Builder {
  readonly targets: TargetTree;
  /** opens a host path, also one that the new root covers while it is being made */
  readonly openSource: (path: string) => Slot;
  readonly plan: NamespacePlan;
}

const writable = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
const readOnly = writable | MOUNT_ATTR_RDONLY;

/** Makes the new root read-only and the only one (pivot_root(2), "pivot_root(".", ".")"), then goes to the working directory. */
export const enterRoot = (program: Program, root: Slot, cwd: string, variant: NamespaceVariant): void => {
  program.goal = 'enter the root';
  const here = program.string('.');
  setAttributes(program, root, MOUNT_ATTR_RDONLY, 0);
  program.call('fchdir', [root]);
  if (variant.root === 'pivot') {
    program.call('pivot_root', [here, here]);
    program.call('umount2', [here, MNT_DETACH]);
  } else {
    // the old root lies below the new one, where no path leads and chroot(2) is refused to the command
    program.call('mount', [here, program.string('/'), 0, MS_MOVE, 0]);
    program.call('chroot', [here]);
  }
  program.goal = `go to "${cwd}"`;
  program.call('chdir', [program.string(cwd)]);
};

type Optional = Extract<PlannedMount, { kind: 'bind' }>;

const isOptional = (mount: PlannedMount): mount is Optional => mount.kind === 'bind' && mount.optional === true;

/** Many small read-only binds in a loop, instead of one after the other: the program stays short. */
const bindOptional = (program: Program, targets: TargetTree, mounts: readonly Optional[]): void => {
  for (const type of ['file', 'dir'] as const) {
    const rows = mounts.filter((mount) => mount.type === type);
    for (const { target } of rows) targets.makeParent(target);
    program.goal = 'mount the curated files';
    program.each(
      rows.map(({ source, target }) => [program.string(source), targets.path(target)]),
      ([source, target], next) => {
        const from = openPath(program, AT_FDCWD, source as Slot, { onFailure: next });
        targets.create(target as Slot, type);
        bind(program, from, readOnly, { folder: targets.root, path: target as Slot });
      },
    );
  }
};

const renderMount = (program: Program, { targets, openSource, plan }: Builder, mount: PlannedMount): void => {
  program.goal = `mount "${mount.target}"`;
  switch (mount.kind) {
    case 'bind': {
      const attributes = mount.access === 'ro' ? readOnly : writable;
      bind(program, openSource(mount.source), attributes, targets.mountPoint(mount.target, mount.type));
      targets.untrusted(mount.target);
      return;
    }
    case 'copy':
      bind(program, openSource(mount.store), writable, targets.mountPoint(mount.target, mount.type));
      targets.untrusted(mount.target);
      return;
    case 'memory': {
      const options = { mode: `0${mount.mode.toString(8)}`, ...sizeLimit(plan) };
      const made = newMount(program, 'tmpfs', options, writable);
      attach(program, made, targets.mountPoint(mount.target, 'dir'));
      program.call('close', [made]);
      return;
    }
    case 'dir':
      targets.make(mount.target);
      return;
    case 'file': {
      targets.makeParent(mount.target);
      const how = program.constantWords([
        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
        0o644,
        RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
      ]);
      const file = program.call('openat2', [targets.root, targets.path(mount.target), how, 24]);
      const content = Buffer.from(mount.content);
      if (content.length > 0) program.call('write', [file, program.bytes(content), content.length]);
      program.call('close', [file]);
      return;
    }
    case 'link':
      targets.link(mount.target, mount.text);
      return;
    case 'proc':
      mountProc(program, targets, mount.target, plan);
      return;
    case 'devices':
      mountDevices(program, targets, mount.target, plan);
      return;
  }
};
