import type { Plan } from '../../domain/plan.ts';
import { SIGKILL, SIGSTKFLT } from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { type Data, Program, type Slot } from '../../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../../syscall/records.ts';
import type { Traps } from '../../syscall/seccomp.ts';
import { liveAsBroker } from './broker.ts';
import { brokerChannel, channel, channelsOf } from './channel.ts';
import { dropCapabilities, forbidNewPrivileges } from './confine.ts';
import { executeCommand } from './execute.ts';
import { handOverCalls, type Link, openLink } from './listener.ts';
import { blockSignals, restoreSignals } from './signals.ts';
import {
  closeDescriptors,
  dieWithParent,
  fork,
  type LifeLine,
  releaseStreams,
  shield,
  superviseInside,
  superviseOutside,
  unshield,
} from './supervise.ts';
import { leadCommand, leadGroup, saveTerminal } from './terminal.ts';

/** What a rung adds to the three processes that every run on a kernel rung has. */
export interface Stages {
  /** in the outer supervisor, as the caller's user with the caller's view */
  readonly outer: (program: Program) => void;
  /** in the inner supervisor: everything up to the confinement that supervisor and command share */
  readonly inner: (program: Program) => void;
  /** in the command's process, just before the command is executed */
  readonly command: (program: Program) => void;
  /** in the outer supervisor, once the inner one has ended: kills what that has left behind because it was killed itself */
  readonly sweepOutside?: (program: Program) => void;
  /** kills whatever the command has left running; absent where a PID namespace does that */
  readonly sweep?: (program: Program, command: Slot) => void;
  readonly broker?: BrokerStages;
  /** descriptors above the channels that the outer stage uses up */
  readonly joined?: readonly number[];
}

/** What a rung adds to the brokers, which act on the command's connections as the launcher decides. */
export interface BrokerStages {
  /** whether the run has a network of its own, in which a second broker lives; else the command's sockets are made by the first */
  readonly ownNetwork: boolean;
  /** in the broker inside: a datagram socket, opened by the inner supervisor, whose datagrams the launcher answers */
  readonly datagrams?: () => Slot | undefined;
}

/**
 * Renders a plan as a program of three processes, and one or two brokers:
 *
 * 1. The outer supervisor, a child of the launcher: leaves its process group, then only passes signals on.
 * 2. The inner supervisor: makes the sandbox, gives up its powers, then reaps and reports.
 * 3. The command, in a process group of its own, so that kill(0, ...) inside reaches nothing outside.
 */
export const renderRun = (plan: Plan, arch: Arch, stages: Stages): Program => {
  const program = new Program(arch);
  const mask = blockSignals(program);
  const channels = channelsOf(plan);
  const { joined = [] } = stages;
  closeDescriptors(program, [...channels, ...joined]);
  leadGroup(program);
  const terminal = plan.terminal && saveTerminal(program, plan.terminal);
  const link = stages.broker && startOutsideBroker(program, arch, [...channels, ...joined]);
  stages.outer(program);
  // a signal that it takes, rather than its death: the terminal is given back before the end
  dieWithParent(program, channel, SIGSTKFLT);
  program.goal = 'start the inner supervisor';
  const inner = fork(program, (line) =>
    renderInner(program, { plan, arch, stages, mask, line, ...(link && { link }) }),
  );
  shield(program);
  releaseStreams(program, plan.terminal?.fd);
  program.call('close', [channel]);
  if (link) for (const end of [link.command, ...channels.slice(2)]) program.call('close', [end]);
  const { timeoutMs } = plan.limits;
  const { sweepOutside } = stages;
  superviseOutside(program, {
    child: inner,
    terminal,
    timeoutMs,
    endAll: stages.sweep ? SIGSTKFLT : SIGKILL,
    ...(sweepOutside && { sweep: () => sweepOutside(program) }),
  });
  return program;
};

/** Starts the broker in the launcher's own namespaces, before any other is made. */
const startOutsideBroker = (program: Program, arch: Arch, descriptors: readonly number[]): Link => {
  const link = openLink(program);
  program.goal = 'start a broker';
  fork(program, (line) => {
    for (const end of [link.command, ...descriptors.slice(2)]) program.call('close', [end]);
    dropCapabilities(program);
    forbidNewPrivileges(program);
    dieWithParent(program, line);
    shield(program);
    releaseStreams(program, undefined);
    liveAsBroker(program, { arch, channel: brokerChannel.outside, link, reports: true });
  });
  for (const end of [link.broker, brokerChannel.outside]) program.call('close', [end]);
  return link;
};

/**
 * Starts the broker in the sandbox's network, with the confinement of the inner supervisor. It ends with that, which is the first process
 * of their PID namespace (pid_namespaces(7)).
 */
const startInsideBroker = (program: Program, arch: Arch, datagrams: Slot | undefined): Link => {
  const link = openLink(program);
  program.goal = 'start a broker';
  fork(program, () => {
    program.call('close', [link.command]);
    releaseStreams(program, undefined);
    const duties = { arch, channel: brokerChannel.inside, link, reports: false };
    liveAsBroker(program, { ...duties, ...(datagrams && { datagrams }) });
  });
  for (const end of [link.broker, brokerChannel.inside]) program.call('close', [end]);
  return link;
};

const trapsOf = ({ network, hidePaths }: Plan, { ownNetwork }: BrokerStages): Traps => ({
  connections: network.mode !== 'full',
  sockets: network.mode !== 'full' && !ownNetwork,
  paths: hidePaths,
});

interface InnerStage {
  readonly plan: Plan;
  readonly arch: Arch;
  readonly stages: Stages;
  readonly mask: Data;
  readonly line: LifeLine;
  /** to the broker outside */
  readonly link?: Link;
}

const renderInner = (program: Program, { plan, arch, stages, mask, line, link }: InnerStage): void => {
  const { sweep, broker } = stages;
  dieWithParent(program, line, sweep ? SIGSTKFLT : SIGKILL);
  shield(program);
  stages.inner(program);
  const links = link ? [link] : [];
  if (broker?.ownNetwork) links.push(startInsideBroker(program, arch, broker.datagrams?.()));
  program.goal = 'report to the launcher';
  program.call('write', [channel, program.bytes(renderRecord(recordTag.ready)), recordBytes]);
  program.goal = 'start the command';
  const command = fork(program, () => {
    stages.command(program);
    leadCommand(program, plan.terminal);
    if (plan.hidePaths) unshield(program); // the paths that it executes are read from its memory
    if (broker) handOverCalls(program, arch, links, trapsOf(plan, broker));
    restoreSignals(program, mask);
    executeCommand(program, plan.command, plan.env);
  });
  releaseStreams(program, plan.terminal?.fd);
  program.call('close_range', [channel + 1, 0xffff_ffff, 0]);
  superviseInside(program, {
    command,
    terminalFd: plan.terminal?.fd,
    ownPids: sweep === undefined,
    ...(sweep && { orphaned: SIGSTKFLT, sweep: () => sweep(program, command) }),
  });
};
