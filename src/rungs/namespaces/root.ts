import type { Plan, PlannedMount } from '../../domain/plan.ts';
import {
  AT_FDCWD,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_REC,
  O_CLOEXEC,
  O_CREAT,
  O_TRUNC,
  O_WRONLY,
} from '../../syscall/constants.ts';
import type { Slot } from '../../syscall/program.ts';
import type { StepProgram } from '../program/step.ts';
import { mountDevices, mountProc } from './kernel-files.ts';
import { attach, bind, newMount, openPath, setAttributes } from './mount-calls.ts';
import { TargetTree } from './targets.ts';

/**
 * Puts the root together on a tmpfs over `scaffold` and returns the slot of its descriptor. The order of plan.mounts is the order
 * of mounting: parents before what lies in them. Sources are opened without following any link (openat2(2),
 * RESOLVE_NO_SYMLINKS), targets likewise and below the new root, so that a link planted in a writable tree ends the run
 * instead of leading a mount astray.
 */
export const buildRoot = (program: StepProgram, plan: Plan, scaffold: string): Slot => {
  const goal = 'put the root together';
  program.call('mount', [0, program.string('/'), 0, MS_REC | MS_PRIVATE, 0], { note: { goal, call: 'mount private' } });
  const covered = openPath(program, goal, AT_FDCWD, scaffold);
  const root = newMount(program, goal, 'tmpfs', { mode: '0755', size: '16m' }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  attach(program, goal, root, { folder: AT_FDCWD, path: scaffold });
  const targets = new TargetTree(program, root);
  const openSource = (path: string): Slot =>
    path === scaffold || path.startsWith(`${scaffold}/`)
      ? openPath(program, `mount "${path}"`, covered, path.slice(scaffold.length + 1) || '.')
      : openPath(program, `mount "${path}"`, AT_FDCWD, path);
  for (const mount of plan.mounts) renderMount(program, { targets, openSource, plan }, mount);
  return root;
};

interface Builder {
  readonly targets: TargetTree;
  /** opens a host path, also one that the new root covers while it is being made */
  readonly openSource: (path: string) => Slot;
  readonly plan: Plan;
}

/** Makes the new root read-only and the only one (pivot_root(2), "pivot_root(".", ".")"), then goes to the working directory. */
export const enterRoot = (program: StepProgram, root: Slot, cwd: string): void => {
  const goal = 'enter the root';
  const here = program.string('.');
  setAttributes(program, goal, root, MOUNT_ATTR_RDONLY, 0);
  program.call('fchdir', [root], { note: { goal, call: 'fchdir' } });
  program.call('pivot_root', [here, here], { note: { goal, call: 'pivot_root' } });
  program.call('umount2', [here, MNT_DETACH], { note: { goal, call: 'umount2' } });
  program.call('chdir', [program.string(cwd)], { note: { goal: `go to "${cwd}"`, call: 'chdir' } });
};

const renderMount = (program: StepProgram, { targets, openSource, plan }: Builder, mount: PlannedMount): void => {
  const goal = `mount "${mount.target}"`;
  switch (mount.kind) {
    case 'bind': {
      const attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (mount.access === 'ro' ? MOUNT_ATTR_RDONLY : 0);
      bind(program, goal, openSource(mount.source), attributes, targets.mountPoint(mount.target, mount.type));
      targets.untrusted(mount.target);
      return;
    }
    case 'copy':
      bind(
        program,
        goal,
        openSource(mount.store),
        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
        targets.mountPoint(mount.target, mount.type),
      );
      targets.untrusted(mount.target);
      return;
    case 'memory': {
      const options = { mode: `0${mount.mode.toString(8)}` };
      const made = newMount(program, goal, 'tmpfs', options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
      attach(program, goal, made, targets.mountPoint(mount.target, 'dir'));
      program.call('close', [made]);
      return;
    }
    case 'dir':
      targets.make(mount.target);
      return;
    case 'file': {
      const flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
      const file = program.call('openat', [targets.root, targets.path(mount.target), flags, 0o644], {
        note: { goal, call: 'openat' },
      });
      const content = Buffer.from(mount.content);
      if (content.length > 0)
        program.call('write', [file, program.bytes(content), content.length], { note: { goal, call: 'write' } });
      program.call('close', [file]);
      return;
    }
    case 'link':
      targets.makeParent(mount.target);
      targets.untrusted(mount.target);
      program.call('symlinkat', [program.string(mount.text), targets.root, targets.path(mount.target)], {
        note: { goal, call: 'symlinkat' },
      });
      return;
    case 'proc':
      mountProc(program, targets, mount.target, plan.userNamespaces);
      return;
    case 'devices':
      mountDevices(program, targets, mount.target, plan.terminal);
      return;
  }
};
