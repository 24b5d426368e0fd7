import { type ChildProcess, type SendHandle, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { known, messageKind } from '../../syscall/batch.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_WAITALL } from '../../syscall/constants.ts';
import { descriptorMessage } from '../../syscall/descriptor-message.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Data, FixedSlot, Program } from '../../syscall/program.ts';
import { type BatchLink, openBatchLink } from '../batch-link.ts';
import { handleOf } from './handle.ts';
import {
  handleChannel,
  maxTunnels,
  type Place,
  parseReturned,
  placeAt,
  type Returned,
  readEvent,
  renderSplicer,
  renderTunnel,
  splicerChannel,
  type TunnelProgram,
} from './program.ts';

/** What it takes to start a splicer. */
export interface SplicerOptions {
  /** the interpreter's executable */
  readonly executable: string;
  readonly arch: Arch;
}

/**
 * A process that copies between the sockets of busy tunnels in the launcher's place, in half of the time that Node takes for a message. It decides
 * nothing, gives a tunnel back as soon as there is more to do than to copy, and dies with the launcher.
 */
export interface Splicer {
  /**
   * Has it copy between two sockets. `letGo` is called when it is their turn, which may take a while: if it returns true, Node must hold nothing of
   * them and read nothing until this resolves: with how it went when they are given back; `lost` if the process has ended, with bytes that nobody
   * knows; undefined if it could not take them, and nothing has happened.
   */
  readonly splice: (sockets: Pair, letGo: () => boolean) => Promise<Returned | 'lost' | undefined>;
  /** has every tunnel given back, then ends */
  readonly close: () => Promise<void>;
}

type Pair = readonly [Socket, Socket];

/** Opens one; its process starts with the first tunnel. */
export const openSplicer = (options: SplicerOptions): Splicer => {
  let running: Running | undefined;
  let closing = false;
  /** sockets have to arrive in pairs */
  let taking: Promise<unknown> = Promise.resolve();
  return {
    splice: (sockets, letGo) => {
      const taken = taking.then(async () => {
        if (closing || !letGo()) return undefined;
        running ??= startOrNot(options);
        return await running.take(sockets);
      });
      taking = taken;
      return taken.then((away) => away?.back);
    },
    close: async () => {
      closing = true;
      await running?.end(taking);
    },
  };
};

/** A tunnel that the process has. */
interface Away {
  readonly recall: number;
  /** resolves when it is given back */
  readonly back: Promise<Returned | 'lost'>;
  readonly resolve: (how: Returned | 'lost') => void;
}

interface Running {
  readonly take: (sockets: Pair) => Promise<Pick<Away, 'back'> | undefined>;
  /** has all given back once nothing is being taken any more, and ends the process */
  readonly end: (taking: Promise<unknown>) => Promise<void>;
}

/** How long a process that is stopped or starved is waited for at the end. */
const patienceMs = 1_000;

const absent: Running = { take: async () => undefined, end: async () => {} };

/** Without it the launcher copies: that takes longer, and nothing else changes. */
const startOrNot = (options: SplicerOptions): Running => {
  try {
    return start(options);
  } catch {
    return absent; // ENOMEM; what is more usual comes as an event
  }
};

const start = ({ executable, arch }: SplicerOptions): Running => {
  const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'ipc'] as const;
  const child = spawn(executable, [], { stdio: [...stdio], env: {}, cwd: '/' });
  const channel = child.stdio?.[splicerChannel] as Duplex | null | undefined; // absent if there were too many open files
  child.on('error', () => channel?.destroy());
  if (!channel) return absent;
  const away = new Map<number, Away>();
  const tunnels: TunnelProgram[] = [];
  const free = Array.from({ length: maxTunnels }, (_, index) => index).reverse();
  const link = openBatchLink({ channel, descriptor: splicerChannel, arch }, (kind, body) => {
    if (kind !== messageKind.returned) return;
    const returned = parseReturned(body);
    away.get(returned.index)?.resolve(returned);
    away.delete(returned.index);
    free.push(returned.index);
  });
  let isGone = false;
  void link.ended.then(() => {
    isGone = true;
    for (const { resolve } of away.values()) resolve('lost');
  });
  const exited = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const kill = (): void => void child.kill('SIGKILL');
  for (const one of [child, child.channel, channel] as { unref?: () => void }[]) one.unref?.();
  channel.write(renderSplicer(arch).render());
  const take = async (sockets: Pair): Promise<Pick<Away, 'back'> | undefined> => {
    const index = isGone ? undefined : free.pop();
    if (index === undefined) return undefined;
    const place = placeAt(index);
    const tunnel = tunnels[index] ?? renderTunnel(arch, place);
    tunnels[index] = tunnel;
    let resolve = (_how: Returned | 'lost'): void => {};
    const back = new Promise<Returned | 'lost'>((settle) => {
      resolve = settle;
    });
    away.set(index, { recall: tunnel.recall, back, resolve }); // it may come back together with the answer to its taking
    if (await handOver({ child, link }, { place, tunnel, sockets, back })) return { back };
    away.delete(index);
    free.push(index);
    return undefined;
  };
  const end: Running['end'] = async (taking) => {
    child.ref();
    const timer = setTimeout(kill, patienceMs);
    await Promise.race([taking, link.ended]);
    for (const { recall } of away.values()) link.tell((program) => program.jumpTo(recall));
    await Promise.all([...away.values()].map(({ back }) => back));
    clearTimeout(timer);
    kill();
    await exited;
  };
  return { take, end };
};

interface HandOver {
  readonly place: Place;
  readonly tunnel: TunnelProgram;
  readonly sockets: Pair;
  readonly back: Away['back'];
}

/** Sends both sockets, and the program that copies between them. Resolves with false if that could not begin. */
const handOver = async (
  { child, link }: { readonly child: ChildProcess; readonly link: BatchLink },
  { place, tunnel, sockets: [first, second], back }: HandOver,
): Promise<boolean> => {
  // if the process ends meanwhile, Node forgets whom to tell of a socket that was still to be sent
  const isSent = async (socket: Socket): Promise<boolean> => (await Promise.race([send(child, socket), back])) === true;
  if (!(await isSent(first))) return false;
  link.tell((program) => receive(program, known.arrived));
  if (!(await isSent(second))) {
    link.tell((program) => void program.call('close', [known.arrived], { onFailure: 'ignore' }));
    return false;
  }
  const build = (program: Program, results: Data): void => takeUp(program, link.arch, { place, tunnel }, results);
  const result = await link.ask(8, build, tunnel.bytes).catch(() => undefined);
  return result?.readBigInt64LE(0) !== -1n; // without an answer it may have begun
};

/** The batch that begins a tunnel: its program is read from the channel behind it. The result is 0, or -1 if a socket did not arrive. */
const takeUp = (
  program: Program,
  arch: Arch,
  { place: { address, sockets }, tunnel }: Pick<HandOver, 'place' | 'tunnel'>,
  results: Data,
): void => {
  const [failed, done] = [program.label(), program.label()];
  const reading = [splicerChannel, address, tunnel.bytes.length, MSG_WAITALL, 0, 0] as const;
  program.call('recvfrom', reading, { onFailure: 'ignore' });
  program.and(known.arrived, -1, sockets[0]);
  receive(program, sockets[1]);
  for (const which of [0, 1] as const) {
    const event = readEvent(program, tunnel.copies[which], arch);
    program.call('epoll_ctl', [known.epoll, EPOLL_CTL_ADD, sockets[which], event], { onFailure: failed });
  }
  program.jump(done);
  program.place(failed);
  program.and(-1, -1, program.valueAt(results));
  for (const socket of sockets) {
    program.call('epoll_ctl', [known.epoll, EPOLL_CTL_DEL, socket, 0], { onFailure: 'ignore' });
    program.call('close', [socket], { onFailure: 'ignore' });
  }
  program.place(done);
};

const send = (child: ChildProcess, socket: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    const handle = handleOf(socket) as SendHandle | undefined;
    if (handle === undefined || !child.connected) return resolve(false);
    child.send(0, handle, {}, (error) => resolve(error === null));
  });

/** Node sends the next socket when it has read this. */
const acknowledgement = Buffer.from('{"cmd":"NODE_HANDLE_ACK"}\n');

/** Receives a socket that was sent, and acknowledges it; if there are too many open files, none comes, and the number is no descriptor's. */
const receive = (program: Program, into: FixedSlot): void => {
  const { message, descriptor } = descriptorMessage(program, Buffer.alloc(256));
  program.and(0xffff_ffff, -1, descriptor);
  program.call('recvmsg', [handleChannel, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC], { onFailure: 'ignore' });
  const answer = program.bytes(acknowledgement);
  program.call('write', [handleChannel, answer, acknowledgement.length], { onFailure: 'ignore' });
  program.and(descriptor, 0xffff_ffff, into);
};
