import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import spawn from 'cross-spawn';
import type { SboxError } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';
import type { Program } from '../syscall/program.ts';
import { type ProgramRecord, parseRecords, recordBytes } from '../syscall/records.ts';
import { findFailure } from './failure.ts';
import { brokerChannel, type ChannelPlan, channel, channelsOf, handleChannel } from './program/channel.ts';

/** What the command's standard streams are, as for node:child_process. */
export type Stdio = readonly [StdioEntry, StdioEntry, StdioEntry];
type StdioEntry = 'inherit' | 'pipe' | 'ignore' | number;

/** How a launch ended. */
export type LaunchEnd =
  /** the command ended, with a status as wait(2) encodes it */
  | { readonly kind: 'status'; readonly status: number }
  /** the sandbox or the command could not be set up; nothing of the command has run */
  | { readonly kind: 'failure'; readonly error: SboxError }
  /** what a probing program answered, by index */
  | { readonly kind: 'answers'; readonly answers: readonly number[] }
  /** the supervisors were killed from outside before they could report */
  | { readonly kind: 'killed' };

export interface Launched {
  /** the outer supervisor: its streams are the command's; a signal sent to it reaches the command (see controlSignal) */
  readonly child: ChildProcess;
  /** once every process of the run is gone; rejects only if the interpreter can't be started */
  readonly ended: Promise<LaunchEnd>;
  /** true once the sandbox is made; false if it could not be */
  readonly ready: Promise<boolean>;
  /** to the broker outside and the one inside, if the plan has brokers */
  readonly brokers: readonly Duplex[];
  /** called with the signal's number whenever the command stops */
  onStopped: (signal: number) => void;
}

export interface LaunchOptions {
  /** the interpreter's executable for this architecture */
  readonly executable: string;
  readonly program: Program;
  readonly stdio: Stdio;
  readonly plan: Pick<Plan, 'command'> & Partial<ChannelPlan>;
  /** open descriptors that the program gets behind its channels */
  readonly descriptors?: readonly number[];
}

/** Starts the interpreter, hands it its program and listens to what it reports. */
export const launchProgram = ({ executable, program, stdio, plan, descriptors = [] }: LaunchOptions): Launched => {
  const channels = isWhole(plan) ? channelsOf(plan) : [channel];
  const child = spawn(executable, [], {
    stdio: [...stdio, ...channels.map((number) => (number === handleChannel ? 'ipc' : 'pipe')), ...descriptors],
    env: {},
    cwd: '/',
  });
  // absent where the limit of open files kept Node from making any (EMFILE); the event 'error' follows
  const streams: readonly unknown[] = child.stdio ?? [];
  const launched: { -readonly [K in keyof Launched]: Launched[K] } = {
    child,
    brokers: streams.slice(brokerChannel.outside, handleChannel).filter((stream) => stream !== null) as Duplex[],
    onStopped: () => {},
    ready: new Promise(() => {}),
    ended: new Promise(() => {}),
  };
  const records: ProgramRecord[] = [];
  const line = streams[channel] as Duplex | null | undefined;
  line?.on('error', () => {}); // the program ended before it had read everything: its records say why
  line?.end(program.render());
  let setReady = (_made: boolean): void => {};
  launched.ready = new Promise((resolve) => {
    setReady = resolve;
  });
  if (line) {
    readRecords(line, (record) => {
      records.push(record);
      if (record.kind === 'ready') setReady(true);
      if (record.kind === 'stopped') launched.onStopped((record.status >> 8) & 0xff);
    });
  }
  launched.ended = new Promise((resolve, reject) => {
    child.on('error', (error) => {
      setReady(false);
      reject(error);
    });
    child.on('close', (_code, signal) => {
      setReady(false);
      const end = endOf(records, program, plan);
      // what lives by the killed supervisor fails in its last moments: that it was killed is the reason
      resolve(end.kind === 'failure' && signal !== null ? { kind: 'killed' } : end);
    });
  });
  return launched;
};

/** A probe's plan has no brokers and may leave out what tells of them. */
const isWhole = (plan: LaunchOptions['plan']): plan is LaunchOptions['plan'] & ChannelPlan => plan.broker === true;

const readRecords = (channel: Duplex, onRecord: (record: ProgramRecord) => void): void => {
  let rest: Buffer = Buffer.alloc(0);
  channel.on('data', (chunk: Buffer) => {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = all.length - (all.length % recordBytes);
    rest = all.subarray(whole);
    for (const record of parseRecords(all.subarray(0, whole))) onRecord(record);
  });
};

const endOf = (records: readonly ProgramRecord[], program: Program, plan: LaunchOptions['plan']): LaunchEnd => {
  const error = findFailure(records, plan, (offset) => program.stepAt(offset));
  if (error) return { kind: 'failure', error };
  const status = records.find((record) => record.kind === 'status');
  if (status?.kind === 'status') return { kind: 'status', status: status.status };
  const answers = records.flatMap((record) => (record.kind === 'answer' ? [record.value] : []));
  return answers.length > 0 ? { kind: 'answers', answers } : { kind: 'killed' };
};

/** The exit code that stands for a status as wait(2) encodes it, and the signal's name if one ended the process. */
export const decodeStatus = (status: number): { readonly exitCode: number; readonly signal?: NodeJS.Signals } => {
  const number = status & 0x7f;
  if (number === 0) return { exitCode: (status >> 8) & 0xff };
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0] as
    | NodeJS.Signals
    | undefined;
  return { exitCode: 128 + number, ...(name && { signal: name }) };
};
