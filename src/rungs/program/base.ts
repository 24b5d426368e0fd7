import type { Plan } from '../../domain/plan.ts';
import { MSG_WAITALL } from '../../syscall/constants.ts';
import type { Arch } from '../../syscall/numbers.ts';
import { Program, type Slot } from '../../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../../syscall/records.ts';
import { liveAsBroker } from './broker.ts';
import { brokerChannel, type ChannelPlan, channel, channelsOf, hasOwnNetwork } from './channel.ts';
import { dropCapabilities, forbidNewPrivileges } from './confine.ts';
import { blockSignals, nextSignal } from './signals.ts';
import { closeDescriptors, dieWithParent, fork, releaseStreams, shield } from './supervise.ts';
import { leadGroup } from './terminal.ts';

/** What a rung makes once for the many commands of a sandbox. */
export interface BaseStages {
  /** makes the namespaces that the commands will join, and returns the socket at which the sandbox's names are asked, if any resolve */
  readonly outer: (program: Program) => Slot | undefined;
  /** in a child of that process, the first of its PID namespace: makes what can be made only there */
  readonly inner: (program: Program) => void;
}

/** Bytes of the launcher's word that it has opened the namespaces. */
export const baseWord = 8;

/** Whether a base goes on living, as the broker in the sandbox's network that no command has to be running for. */
export const baseServes = (plan: ChannelPlan): boolean =>
  plan.broker && plan.network.mode !== 'full' && hasOwnNetwork(plan) && servesSomething(plan);

const servesSomething = ({ network }: ChannelPlan): boolean => network.mode !== 'none' || network.publish.length > 0;

/**
 * Renders the program that makes what the commands of a sandbox share. It stays within reach of the launcher (ptrace(2), "access mode
 * checking") until that has opened its namespaces by /proc/PID/ns; nothing of the sandbox runs before. Then it lives as the broker
 * of the sandbox's network, or waits to be killed.
 */
export const renderBase = (plan: Plan, arch: Arch, stages: BaseStages): Program => {
  const program = new Program(arch);
  blockSignals(program);
  closeDescriptors(program, channelsOf(plan));
  leadGroup(program);
  const resolver = stages.outer(program);
  dieWithParent(program, channel);
  makeInside(program, stages);
  program.goal = 'report to the launcher';
  program.call('write', [channel, program.bytes(renderRecord(recordTag.ready)), recordBytes]);
  releaseStreams(program, undefined);
  if (!baseServes(plan)) {
    const wait = program.here();
    nextSignal(program, wait);
    program.jump(wait);
    return program;
  }
  program.call('close', [brokerChannel.outside]);
  const [gone, opened] = [program.label(), program.label()];
  const word = program.words([0]);
  const got = program.call('recvfrom', [brokerChannel.inside, word, baseWord, MSG_WAITALL, 0, 0], { onFailure: gone });
  program.jumpIfEqual(got, baseWord, opened);
  program.place(gone);
  program.call('exit_group', [0]);
  program.place(opened);
  dropCapabilities(program);
  forbidNewPrivileges(program);
  shield(program);
  liveAsBroker(program, {
    arch,
    channel: brokerChannel.inside,
    reports: false,
    ...(resolver && { datagrams: resolver }),
  });
  return program;
};

const makeInside = (program: Program, { inner }: BaseStages): void => {
  program.goal = 'make the sandbox';
  const child = fork(program, (line) => {
    dieWithParent(program, line);
    inner(program);
    program.call('exit_group', [0]);
  });
  const status = program.slot();
  const made = program.label();
  program.call('wait4', [child, program.addressOf(status), 0, 0]);
  program.jumpIfEqual(status, 0, made);
  program.call('exit_group', [1]);
  program.place(made);
};
