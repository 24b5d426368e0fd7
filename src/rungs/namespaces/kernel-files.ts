import type { Terminal } from '../../domain/facts.ts';
import {
  AT_FDCWD,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
} from '../../syscall/constants.ts';
import { writeFile } from '../program/files.ts';
import type { StepProgram } from '../program/step.ts';
import { attach, bind, cloneMount, newMount, openPath, setAttributes } from './mount-calls.ts';
import type { TargetTree } from './targets.ts';

const quiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
/** Parts of /proc through which the kernel itself is set; a process of uid 0 may write there even without capabilities. */
const readOnlyInProc = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs'];
/** Parts of /proc that tell of the host, not of the sandbox's processes. */
const hiddenInProc = [
  'kcore',
  'keys',
  'key-users',
  'timer_list',
  'sched_debug',
  'latency_stats',
  'kallsyms',
  'kmsg',
  'config.gz',
];
const hiddenFoldersInProc = ['acpi', 'asound', 'scsi', 'driver'];
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const deviceLinks = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
};

/**
 * A /proc of the new PID namespace. Its settings are read-only and what tells of the host is hidden; what this kernel lacks is
 * passed over. Without `userNamespaces`, the namespace's own limit of them is set to none first (namespaces(7)).
 */
export const mountProc = (program: StepProgram, targets: TargetTree, target: string, userNamespaces: boolean): void => {
  const goal = `mount "${target}"`;
  const proc = newMount(program, goal, 'proc', {}, quiet | MOUNT_ATTR_NODEV);
  attach(program, goal, proc, targets.mountPoint(target, 'dir'));
  program.call('close', [proc]);
  if (!userNamespaces) {
    const limit = `${target}/sys/user/max_user_namespaces`.slice(1);
    writeFile(program, targets.root, limit, '0', 'forbid further user namespaces');
  }
  lockProc(program, targets, target);
};

const lockProc = (program: StepProgram, targets: TargetTree, target: string): void => {
  for (const name of readOnlyInProc) {
    cover(program, targets, `${target}/${name}`, (goal, place) =>
      cloneMount(program, goal, place, quiet | MOUNT_ATTR_RDONLY),
    );
  }
  for (const name of hiddenInProc) {
    cover(program, targets, `${target}/${name}`, (goal) =>
      cloneMount(program, goal, openPath(program, goal, AT_FDCWD, '/dev/null'), quiet | MOUNT_ATTR_RDONLY),
    );
  }
  for (const name of hiddenFoldersInProc) {
    cover(program, targets, `${target}/${name}`, (goal) =>
      newMount(program, goal, 'tmpfs', { mode: '0555' }, quiet | MOUNT_ATTR_RDONLY),
    );
  }
};

const cover = (
  program: StepProgram,
  targets: TargetTree,
  target: string,
  make: (goal: string, place: ReturnType<typeof openPath>) => ReturnType<typeof openPath>,
): void => {
  const goal = `cover "${target}"`;
  const missing = program.label();
  const place = openPath(program, goal, targets.root, target.slice(1), missing);
  const mount = make(goal, place);
  attach(program, goal, mount, { folder: place, path: '' });
  program.call('close', [mount]);
  program.place(missing);
};

/** A /dev with the harmless devices, terminals of its own and shared memory of its own; read-only itself. */
export const mountDevices = (
  program: StepProgram,
  targets: TargetTree,
  target: string,
  terminal: Terminal | undefined,
): void => {
  const goal = `mount "${target}"`;
  const dev = newMount(program, goal, 'tmpfs', { mode: '0755', size: '64k' }, quiet);
  attach(program, goal, dev, targets.mountPoint(target, 'dir'));
  for (const name of devices)
    bind(
      program,
      `mount "${target}/${name}"`,
      openPath(program, goal, AT_FDCWD, `/dev/${name}`),
      quiet,
      targets.mountPoint(`${target}/${name}`, 'file'),
    );
  if (terminal)
    bind(
      program,
      `mount "${target}/console"`,
      openPath(program, goal, AT_FDCWD, terminal.path),
      quiet,
      targets.mountPoint(`${target}/console`, 'file'),
    );
  for (const [name, text] of Object.entries(deviceLinks)) {
    program.call('symlinkat', [program.string(text), targets.root, targets.path(`${target}/${name}`)], {
      note: { goal, call: 'symlinkat' },
    });
  }
  const terminals = newMount(program, goal, 'devpts', { newinstance: true, ptmxmode: '0666', mode: '0620' }, quiet);
  attach(program, goal, terminals, targets.mountPoint(`${target}/pts`, 'dir'));
  const shared = newMount(program, goal, 'tmpfs', { mode: '1777' }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  attach(program, goal, shared, targets.mountPoint(`${target}/shm`, 'dir'));
  setAttributes(program, goal, dev, MOUNT_ATTR_RDONLY, 0);
  for (const mount of [dev, terminals, shared]) program.call('close', [mount]);
};
