import type { Plan } from '../../domain/plan.ts';
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
  LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET,
  SIOCSIFFLAGS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { type Data, Program } from '../../syscall/program.ts';
import { channel } from '../program/channel.ts';
import { dropCapabilities, forbidNewPrivileges, installFilter, setLimits } from '../program/confine.ts';
import { executeCommand } from '../program/execute.ts';
import { writeFile } from '../program/files.ts';
import {
  blockSignals,
  closeDescriptors,
  dieWithParent,
  fork,
  type LifeLine,
  leadGroup,
  releaseStreams,
  restoreSignals,
  saveTerminal,
  shield,
  superviseInside,
  superviseOutside,
} from '../program/supervise.ts';
import { buildRoot, enterRoot } from './root.ts';

export interface NamespaceHost {
  readonly arch: Arch;
  readonly landlockAbi: number;
  /** an existing directory over which the new root is put together; hidden afterwards */
  readonly scaffold: string;
}

/**
 * Renders a plan as the program of the namespaces rung. It runs in three processes:
 *
 * 1. The outer supervisor, a child of the launcher: leaves its process group, makes the namespaces, maps its own uid and gid
 *    (user_namespaces(7)), then only passes signals on.
 * 2. The inner supervisor, first process of the new PID namespace: puts the root together, enters it, sets limits, gives up its
 *    capabilities, installs the filter, then reaps and reports.
 * 3. The command, in a process group of its own, so that kill(0, ...) inside reaches nothing outside.
 */
export const renderNamespaceProgram = (plan: Plan, host: NamespaceHost): Program => {
  const program = new Program(host.arch);
  const mask = blockSignals(program);
  closeDescriptors(program);
  leadGroup(program, undefined);
  const modes = plan.terminal && saveTerminal(program, plan.terminal.fd);
  unshareNamespaces(program, plan);
  dieWithParent(program, channel);
  const terminal = plan.terminal && modes && { fd: plan.terminal.fd, processGroup: plan.terminal.processGroup, modes };
  program.goal = 'start the inner supervisor';
  const inner = fork(program, (line) => renderInner(program, plan, host, mask, line));
  shield(program);
  releaseStreams(program, terminal?.fd);
  program.call('close', [channel]);
  superviseOutside(program, inner, terminal);
  return program;
};

const renderInner = (program: Program, plan: Plan, host: NamespaceHost, mask: Data, line: LifeLine): void => {
  dieWithParent(program, line);
  shield(program);
  enterSandbox(program, plan, host);
  program.goal = 'start the command';
  const command = fork(program, () => {
    leadGroup(program, plan.terminal?.foreground ? plan.terminal.fd : undefined);
    restoreSignals(program, mask);
    executeCommand(program, plan.command, plan.env);
  });
  releaseStreams(program, plan.terminal?.fd);
  superviseInside(program, command, plan.terminal?.fd);
};

/** From the new namespaces to the state that the command starts in. */
const enterSandbox = (program: Program, plan: Plan, host: NamespaceHost): void => {
  program.goal = 'set the host name';
  program.call('sethostname', [program.string(plan.hostname), Buffer.byteLength(plan.hostname)]);
  const ownNetwork = plan.network.mode !== 'full';
  if (ownNetwork) raiseLoopback(program);
  const root = buildRoot(program, plan, host.scaffold);
  enterRoot(program, root, plan.cwd);
  setLimits(program, plan.limits);
  dropCapabilities(program);
  forbidNewPrivileges(program);
  if (!ownNetwork && host.landlockAbi >= 6) scopeAbstractSockets(program);
  installFilter(program, host.arch, { userNamespaces: plan.userNamespaces });
};

const unshareNamespaces = (program: Program, plan: Plan): void => {
  if (plan.user.uid === 0) program.call('setgroups', [0, 0], { onFailure: 'ignore' });
  const network = plan.network.mode === 'full' ? 0 : CLONE_NEWNET;
  const flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | network;
  program.goal = 'create a user namespace';
  program.call('unshare', [flags]);
  program.goal = 'map the user';
  writeFile(program, AT_FDCWD, '/proc/self/setgroups', 'deny');
  writeFile(program, AT_FDCWD, '/proc/self/uid_map', `${plan.user.uid} ${plan.user.uid} 1`);
  program.goal = 'map the group';
  writeFile(program, AT_FDCWD, '/proc/self/gid_map', `${plan.user.gid} ${plan.user.gid} 1`);
};

/** Sets the loopback interface of the new network namespace up (netdevice(7)). */
const raiseLoopback = (program: Program): void => {
  const request = Buffer.alloc(40); // struct ifreq: name, then flags: IFF_UP | IFF_RUNNING
  request.write('lo');
  request.writeUInt16LE(0x41, 16);
  program.goal = 'raise the loopback interface';
  const socket = program.call('socket', [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0]);
  program.call('ioctl', [socket, SIOCSIFFLAGS, program.bytes(request)]);
  program.call('close', [socket]);
};

/** Keeps the host's abstract unix sockets out of reach where its network is shared (landlock(7), ABI 6). */
const scopeAbstractSockets = (program: Program): void => {
  const attributes = program.words([0, 0, LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET]);
  program.goal = 'scope abstract unix sockets';
  const ruleset = program.call('landlock_create_ruleset', [attributes, 24, 0]);
  program.call('landlock_restrict_self', [ruleset, 0]);
  program.call('close', [ruleset]);
};
