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
  SIGCHLD,
  SIOCSIFFLAGS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { Program } from '../../syscall/program.ts';
import { dropCapabilities, forbidNewPrivileges, installFilter, setLimits } from '../program/confine.ts';
import { executeCommand } from '../program/execute.ts';
import { writeFile } from '../program/files.ts';
import type { Step, StepProgram } from '../program/step.ts';
import {
  blockSignals,
  closeDescriptors,
  dieWithParent,
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
export const renderNamespaceProgram = (plan: Plan, host: NamespaceHost): StepProgram => {
  const program: StepProgram = new Program<Step>(host.arch);
  const foregroundFd = plan.terminal?.foreground ? plan.terminal.fd : undefined;
  const mask = blockSignals(program);
  closeDescriptors(program);
  leadGroup(program, undefined);
  const modes = plan.terminal && saveTerminal(program, plan.terminal.fd);
  unshareNamespaces(program, plan);
  dieWithParent(program);
  const outside = program.label();
  const inner = program.call('clone', [SIGCHLD, 0, 0, 0, 0], note('start the inner supervisor', 'clone'));
  program.jumpIfEqual(inner, 0, outside);
  const terminal = plan.terminal && modes && { fd: plan.terminal.fd, processGroup: plan.terminal.processGroup, modes };
  shield(program);
  releaseStreams(program, terminal?.fd);
  program.call('close', [3], { onFailure: 'ignore' });
  superviseOutside(program, inner, terminal);

  program.place(outside);
  renderInside(program, plan, host);
  const command = program.call('clone', [SIGCHLD, 0, 0, 0, 0], note('start the command', 'clone'));
  const inCommand = program.label();
  program.jumpIfEqual(command, 0, inCommand);
  releaseStreams(program, plan.terminal?.fd);
  superviseInside(program, command, plan.terminal?.fd);

  program.place(inCommand);
  leadGroup(program, foregroundFd);
  restoreSignals(program, mask);
  executeCommand(
    program,
    plan.command,
    Object.entries(plan.env).map(([name, value]) => `${name}=${value}`),
  );
  return program;
};

const renderInside = (program: StepProgram, plan: Plan, host: NamespaceHost): void => {
  dieWithParent(program);
  shield(program);
  program.call(
    'sethostname',
    [program.string(plan.hostname), Buffer.byteLength(plan.hostname)],
    note('set the host name', 'sethostname'),
  );
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

const unshareNamespaces = (program: StepProgram, plan: Plan): void => {
  if (plan.user.uid === 0) program.call('setgroups', [0, 0], { onFailure: 'ignore' });
  const network = plan.network.mode === 'full' ? 0 : CLONE_NEWNET;
  const flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | network;
  program.call('unshare', [flags], note('create a user namespace', 'unshare'));
  writeFile(program, AT_FDCWD, '/proc/self/setgroups', 'deny', 'map the user');
  writeFile(program, AT_FDCWD, '/proc/self/uid_map', `${plan.user.uid} ${plan.user.uid} 1`, 'map the user');
  writeFile(program, AT_FDCWD, '/proc/self/gid_map', `${plan.user.gid} ${plan.user.gid} 1`, 'map the group');
};

/** Sets the loopback interface of the new network namespace up (netdevice(7)). */
const raiseLoopback = (program: StepProgram): void => {
  const request = Buffer.alloc(40); // struct ifreq: name, then flags: IFF_UP | IFF_RUNNING
  request.write('lo');
  request.writeUInt16LE(0x41, 16);
  const socket = program.call(
    'socket',
    [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0],
    note('raise the loopback interface', 'socket'),
  );
  program.call('ioctl', [socket, SIOCSIFFLAGS, program.bytes(request)], note('raise the loopback interface', 'ioctl'));
  program.call('close', [socket]);
};

/** Keeps the host's abstract unix sockets out of reach where its network is shared (landlock(7), ABI 6). */
const scopeAbstractSockets = (program: StepProgram): void => {
  const attributes = program.words([0, 0, LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET]);
  const goal = 'scope abstract unix sockets';
  const ruleset = program.call('landlock_create_ruleset', [attributes, 24, 0], note(goal, 'landlock_create_ruleset'));
  program.call('landlock_restrict_self', [ruleset, 0], note(goal, 'landlock_restrict_self'));
  program.call('close', [ruleset]);
};

const note = (goal: string, call: string) => ({ note: { goal, call } });
