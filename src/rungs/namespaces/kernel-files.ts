import {
  AT_FDCWD,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
} from '../../syscall/constants.ts';
import type { Program, Slot } from '../../syscall/program.ts';
import { writeFile } from '../program/files.ts';
import { openPath } from '../program/open-path.ts';
import type { TargetTree } from '../program/targets.ts';
import { attach, bind, cloneMount, newMount, setAttributes } from './mount-calls.ts';
import type { NamespacePlan } from './plan.ts';

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
const hiddenFoldersInProc = ['acpi', 'asound', 'scsi', 'driver', 'dynamic_debug'];
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
export const mountProc = (program: Program, targets: TargetTree, target: string, plan: NamespacePlan): void => {
  if (plan.mechanism.proc === 'host') {
    showHostProc(program, targets, target);
    return;
  }
  const proc = newMount(program, 'proc', {}, quiet | MOUNT_ATTR_NODEV);
  attach(program, proc, targets.mountPoint(target, 'dir'));
  program.call('close', [proc]);
  if (!plan.userNamespaces) {
    program.goal = 'forbid further user namespaces';
    writeFile(program, targets.root, `${target}/sys/user/max_user_namespaces`.slice(1), '0');
  }
  lockProc(program, targets, target);
};

/** The host's /proc, read-only and with whatever masks a container runtime has put on it: outsiders' names show there. */
const showHostProc = (program: Program, targets: TargetTree, target: string): void => {
  const source = openPath(program, AT_FDCWD, '/proc');
  bind(program, source, quiet | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY, targets.mountPoint(target, 'dir'));
};

const lockProc = (program: Program, targets: TargetTree, target: string): void => {
  const readOnly = quiet | MOUNT_ATTR_RDONLY;
  const nothing = (): Slot => cloneMount(program, openPath(program, AT_FDCWD, '/dev/null'), readOnly);
  const emptyFolder = (): Slot => newMount(program, 'tmpfs', { mode: '0555' }, readOnly);
  for (const name of readOnlyInProc) {
    cover(program, targets, `${target}/${name}`, (place) => cloneMount(program, place, readOnly));
  }
  for (const name of hiddenInProc) cover(program, targets, `${target}/${name}`, nothing);
  for (const name of hiddenFoldersInProc) cover(program, targets, `${target}/${name}`, emptyFolder);
};

const cover = (program: Program, targets: TargetTree, target: string, make: (place: Slot) => Slot): void => {
  program.goal = `cover "${target}"`;
  const missing = program.label();
  const place = openPath(program, targets.root, target.slice(1), { onFailure: missing });
  const mount = make(place);
  attach(program, mount, { folder: place, path: '' });
  program.call('close', [mount]);
  program.place(missing);
};

/** A file system in memory is limited as a process's memory is; without a limit to half of the machine's (tmpfs(5)). */
export const sizeLimit = ({ limits }: NamespacePlan): { readonly size?: string } =>
  limits.memoryBytes === undefined ? {} : { size: String(limits.memoryBytes) };

/** A /dev with the harmless devices, terminals of its own and shared memory of its own; read-only itself. */
export const mountDevices = (program: Program, targets: TargetTree, target: string, plan: NamespacePlan): void => {
  const dev = newMount(program, 'tmpfs', { mode: '0755', size: '64k' }, quiet);
  attach(program, dev, targets.mountPoint(target, 'dir'));
  const show = (source: string, name: string): void => {
    program.goal = `mount "${target}/${name}"`;
    // read-only: opening for writing is not the file system's matter, but modes and times of the host's node are
    bind(
      program,
      openPath(program, AT_FDCWD, source),
      quiet | MOUNT_ATTR_RDONLY,
      targets.mountPoint(`${target}/${name}`, 'file'),
    );
  };
  for (const name of devices) show(`/dev/${name}`, name);
  if (plan.terminal) show(plan.terminal.path, 'console');
  for (const [name, text] of Object.entries(deviceLinks)) {
    program.call('symlinkat', [program.string(text), targets.root, targets.path(`${target}/${name}`)]);
  }
  const terminals = newMount(program, 'devpts', { newinstance: true, ptmxmode: '0666', mode: '0620' }, quiet);
  attach(program, terminals, targets.mountPoint(`${target}/pts`, 'dir'));
  const shared = newMount(program, 'tmpfs', { mode: '1777', ...sizeLimit(plan) }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  attach(program, shared, targets.mountPoint(`${target}/shm`, 'dir'));
  setAttributes(program, dev, MOUNT_ATTR_RDONLY, 0);
  for (const mount of [dev, terminals, shared]) program.call('close', [mount]);
};
