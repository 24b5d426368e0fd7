import type { Plan } from '../../domain/plan.ts';
import { resolverAddress } from '../../domain/stand-ins.ts';
import {
  AF_INET,
  AT_FDCWD,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  SIOCSIFFLAGS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from '../../syscall/constants.ts';
import type { Program, Slot } from '../../syscall/program.ts';
import { renderAddress } from '../../syscall/socket-address.ts';
import { hasOwnNetwork } from './channel.ts';
import { writeFile } from './files.ts';

/**
 * Makes namespaces and maps the caller's own uid and gid (user_namespaces(7)). With `mounts`, one of mounts too; the network's unless the
 * plan shares the host's.
 */
export const unshareNamespaces = (program: Program, plan: Plan, mounts: boolean): void => {
  if (plan.user.uid === 0) program.call('setgroups', [0, 0], { onFailure: 'ignore' });
  const network = plan.network.mode === 'full' ? 0 : CLONE_NEWNET;
  const flags =
    CLONE_NEWUSER | (mounts ? CLONE_NEWNS : 0) | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | network;
  program.goal = 'create a user namespace';
  program.call('unshare', [flags]);
  program.goal = 'map the user';
  writeFile(program, AT_FDCWD, '/proc/self/setgroups', 'deny');
  writeFile(program, AT_FDCWD, '/proc/self/uid_map', `${(plan.user.as ?? plan.user).uid} ${plan.user.uid} 1`);
  program.goal = 'map the group';
  writeFile(program, AT_FDCWD, '/proc/self/gid_map', `${(plan.user.as ?? plan.user).gid} ${plan.user.gid} 1`);
};

/**
 * The namespaces that the commands of a sandbox share, as /proc/PID/ns names them. The user's is joined first: whoever made it has all
 * capabilities there, which the others ask for (setns(2)).
 */
export const sharedNamespaces = ({ mechanism, network }: Pick<Plan, 'mechanism' | 'network'>): readonly string[] => [
  ...(hasOwnNetwork({ mechanism }) ? ['user', 'ipc', 'uts', 'cgroup'] : []),
  ...(mechanism.kind === 'namespaces' ? ['mnt'] : []),
  ...(hasOwnNetwork({ mechanism }) && network.mode !== 'full' ? ['net'] : []),
];

/**
 * Joins namespaces by descriptors in the order of `sharedNamespaces`, and makes a PID namespace, so that whatever the command starts
 * ends with it; with `mounts`, a copy of the shared mounts, too, which are the same files.
 */
export const joinNamespaces = (program: Program, plan: Plan, joined: readonly number[], mounts: boolean): void => {
  if (plan.user.uid === 0) program.call('setgroups', [0, 0], { onFailure: 'ignore' });
  program.goal = 'join the sandbox';
  for (const descriptor of joined) {
    program.call('setns', [descriptor, 0]);
    program.call('close', [descriptor]);
  }
  program.call('unshare', [CLONE_NEWPID | (mounts ? CLONE_NEWNS : 0)]);
};

/** Sets the loopback interface of the new network namespace up (netdevice(7)). */
export const raiseLoopback = (program: Program): void => {
  const request = Buffer.alloc(40); // struct ifreq: name, then flags: IFF_UP | IFF_RUNNING
  request.write('lo');
  request.writeUInt16LE(0x41, 16);
  program.goal = 'raise the loopback interface';
  const socket = program.call('socket', [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0]);
  program.call('ioctl', [socket, SIOCSIFFLAGS, program.bytes(request)]);
  program.call('close', [socket]);
};

/** The socket at which the sandbox's name server is asked; its port takes a capability that is still there. */
export const openResolver = (program: Program): Slot => {
  program.goal = 'open the name server';
  const socket = program.call('socket', [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0]);
  const address = renderAddress({ family: 4, address: resolverAddress, port: 53 });
  program.call('bind', [socket, program.bytes(address), address.length]);
  return socket;
};
