import { reservedDescriptor } from '../../syscall/batch.ts';
import {
  AF_UNIX,
  AT_FDCWD,
  IPPROTO_TCP,
  MSG_NOSIGNAL,
  O_CLOEXEC,
  O_PATH,
  SO_PEERCRED,
  SO_PEERPIDFD,
  SO_SNDTIMEO,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../../syscall/constants.ts';
import { descriptorMessage } from '../../syscall/descriptor-message.ts';
import type { Data, Label, Program, Slot } from '../../syscall/program.ts';
import type { CallersSocket } from './caller.ts';
import type { BrokerLink } from './link.ts';
import { bindToLoopback } from './sockets.ts';
import { survey, surveyBytes } from './survey.ts';

/** The protocol of a process's socket, as the kernel names it: TCP, TCPv6, UDP, UNIX-STREAM, UNIX...; undefined if it is no socket. */
export const askProtocol = async (link: BrokerLink, pid: number, descriptor: number): Promise<string | undefined> => {
  const found = await link.ask(protocolBytes, (program, results) =>
    lookAtProtocol(program, { pid, descriptor }, results),
  );
  return readProtocol(found);
};

const protocolBytes = 24;

const lookAtProtocol = (program: Program, { pid, descriptor }: CallersSocket, into: Data): void => {
  const path = program.string(`/proc/${pid}/fd/${descriptor}`);
  const name = program.string('system.sockprotoname'); // net/socket.c, sockfs_xattr_handlers
  program.call('getxattr', [path, name, into, protocolBytes], { onFailure: 'ignore' });
};

const readProtocol = (found: Buffer): string | undefined => {
  const end = found.indexOf(0);
  return end > 0 ? found.toString('latin1', 0, end) : undefined;
};

export interface ConnectQuestion {
  /** domain and type of the socket, as for socket(2) */
  readonly domain: number;
  readonly type: number;
  /** struct sockaddr */
  readonly address: Buffer;
  /** for a unix socket with a path: the path, absolute, in the broker's view; `address` is not used then */
  readonly path?: string;
  /** a new socket knows the loopback interface alone */
  readonly onLoopback?: true;
  /** a socket of the broker's instead of a new one */
  readonly socket?: number;
  /** whether it was asked before, so that nobody else need wait for it */
  readonly again?: true;
  /** of a unix socket: also what tells whether the process at the other end lives */
  readonly peerProcess?: true;
  /** nothing is done unless this socket speaks TCP */
  readonly forTcp?: CallersSocket;
  /** what is to be known of the caller is looked up, too; for the broker outside */
  readonly surveyed?: CallersSocket;
}

export interface Connected {
  /** 0, or a negative errno(3) */
  readonly result: number;
  /** the broker's descriptor; absent if it could not be made */
  readonly socket?: number;
  /** the port at this end */
  readonly port: number;
  /** of a unix socket's other end; 0 if that lies outside of the broker's PID namespace */
  readonly peer: number;
  /** what the caller's socket speaks, if that was asked */
  readonly protocol?: string;
  /** the broker's descriptor of that end's process (pidfd_open(2)); absent before Linux 6.5 */
  readonly peerProcess?: number;
  /** for `findUse`, if it was asked for */
  readonly survey?: Buffer;
}

/** No connection to this machine takes longer; one that does is asked for again. */
const patienceUs = 10_000;

/** Has the broker make a socket and connect it. */
export const askConnect = async (link: BrokerLink, question: ConnectQuestion): Promise<Connected> => {
  const { surveyed } = question;
  const found = await link.ask(connectBytes + (surveyed ? surveyBytes : 0), (program, results) => {
    const done = program.label();
    const result = program.valueAt(results);
    const socket = program.valueAt(results, 8);
    program.and(-1, -1, socket);
    program.and(-1, -1, program.valueAt(results, 32));
    if (question.forTcp) onlyForTcp(program, question.forTcp, program.at(results, 48), done);
    const address = addressFor(program, question, result, done);
    if (question.socket === undefined) {
      program.call('socket', [question.domain, question.type | SOCK_CLOEXEC, 0], { into: result, onFailure: done });
      program.and(result, -1, socket);
      if (question.onLoopback) bindToLoopback(program, socket, { into: result, onFailure: done });
      if (question.domain !== AF_UNIX) setOption(program, socket, IPPROTO_TCP, TCP_NODELAY, [1], 4);
    } else program.and(question.socket, -1, socket);
    const before = program.words([0, 0]); // struct timeval
    getOption(program, socket, SO_SNDTIMEO, before, 16);
    setOption(program, socket, SOL_SOCKET, SO_SNDTIMEO, [0, question.again ? 1 : patienceUs]); // 0: for ever
    program.call('connect', [socket, address.data, address.bytes], { into: result, onFailure: 'ignore' });
    program.call('setsockopt', [socket, SOL_SOCKET, SO_SNDTIMEO, before, 16], { onFailure: 'ignore' });
    const name = program.at(results, 16);
    if (question.domain === AF_UNIX) {
      getOption(program, socket, SO_PEERCRED, name, 12);
      if (question.peerProcess) getOption(program, socket, SO_PEERPIDFD, program.at(results, 32), 4);
    } else program.call('getsockname', [socket, name, program.words([32])], { onFailure: 'ignore' });
    if (surveyed) survey(program, surveyed, program.at(results, connectBytes));
    program.place(done);
  });
  const socket = Number(found.readBigInt64LE(8));
  return {
    result: Number(found.readBigInt64LE(0)),
    ...(socket >= 0 && { socket }),
    port: question.domain === AF_UNIX ? 0 : found.readUInt16BE(18),
    peer: question.domain === AF_UNIX ? found.readInt32LE(16) : 0,
    ...(question.peerProcess && found.readInt32LE(32) >= 0 && { peerProcess: found.readInt32LE(32) }),
    ...(question.forTcp && { protocol: readProtocol(found.subarray(48)) ?? '' }),
    ...(surveyed && { survey: found.subarray(connectBytes) }),
  };
};

const connectBytes = 48 + protocolBytes;

/** Whether a process that the broker has a descriptor of has not been waited for, so that its id is nobody else's; closes the descriptor. */
export const askAlive = async (link: BrokerLink, process: number): Promise<boolean> => {
  const found = await link.ask(8, (program, results) => {
    const into = program.valueAt(results);
    program.call('pidfd_send_signal', [process, 0, 0, 0], { into, onFailure: 'ignore' });
    program.call('close', [process], { onFailure: 'ignore' });
  });
  return found.readBigInt64LE(0) === 0n;
};

/** Goes on with what follows for these names of protocols alone. */
const onlyForTcp = (program: Program, socket: CallersSocket, into: Data, otherwise: Label): void => {
  const follows = program.label();
  lookAtProtocol(program, socket, into);
  for (const name of ['TCP', 'TCPv6', 'MPTCP', 'MPTCPv6']) {
    const word = Buffer.alloc(8);
    word.write(name);
    program.jumpIfEqual(program.valueAt(into), program.valueAt(program.bytes(word)), follows);
  }
  program.jump(otherwise);
  program.place(follows);
};

interface AddressData {
  readonly data: ReturnType<Program['bytes']>;
  readonly bytes: number;
}

/** A path is opened first and named by its descriptor: its length does not matter then, and it is looked up once. */
const addressFor = (program: Program, { address, path }: ConnectQuestion, result: Slot, failed: Label): AddressData => {
  if (path === undefined) return { data: program.bytes(address), bytes: address.length };
  program.call('openat', [AT_FDCWD, program.string(path), O_PATH | O_CLOEXEC, 0], { into: result, onFailure: failed });
  program.call('dup3', [result, reservedDescriptor, O_CLOEXEC], { onFailure: 'ignore' });
  program.call('close', [result], { onFailure: 'ignore' });
  const own = Buffer.from(`\0\0/proc/self/fd/${reservedDescriptor}\0`);
  own.writeUInt16LE(AF_UNIX, 0);
  return { data: program.bytes(own), bytes: own.length };
};

const setOption = (
  program: Program,
  socket: Slot,
  level: number,
  option: number,
  words: readonly number[],
  bytes = 8 * words.length,
): void => {
  program.call('setsockopt', [socket, level, option, program.words(words), bytes], { onFailure: 'ignore' });
};

const getOption = (program: Program, socket: Slot, option: number, into: Data, bytes: number): void => {
  program.call('getsockopt', [socket, SOL_SOCKET, option, into, program.words([bytes])], { onFailure: 'ignore' });
};

/**
 * Has the broker connect to a port of the loopback and hand the socket to the launcher, in the words in which Node's processes hand
 * each other sockets (child_process, `subprocess.send(message, socket)`); resolves with 0 or a negative errno(3).
 */
export const sendConnected = async (link: BrokerLink, to: Buffer, note: object, channel: number): Promise<number> => {
  const found = await link.ask(8, (program, results) => {
    const [done, made] = [program.label(), program.label()];
    const result = program.valueAt(results);
    const type = SOCK_STREAM | SOCK_CLOEXEC;
    program.call('socket', [to.readUInt16LE(0), type, 0], { into: result, onFailure: done });
    const socket = program.and(result, -1);
    setOption(program, socket, SOL_SOCKET, SO_SNDTIMEO, [0, patienceUs]);
    program.call('connect', [socket, program.bytes(to), to.length], { into: result, onFailure: made });
    setOption(program, socket, SOL_SOCKET, SO_SNDTIMEO, [0, 0]);
    const text = Buffer.from(`${JSON.stringify({ cmd: 'NODE_HANDLE', type: 'net.Socket', msg: note })}\n`);
    const { message, descriptor } = descriptorMessage(program, text);
    program.and(socket, 0xffff_ffff, descriptor);
    program.call('sendmsg', [channel, message, MSG_NOSIGNAL], { onFailure: 'ignore', into: result });
    program.place(made);
    program.call('close', [socket], { onFailure: 'ignore' });
    program.place(done);
  });
  return Math.min(0, Number(found.readBigInt64LE(0)));
};
