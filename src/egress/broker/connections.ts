import { existsSync } from 'node:fs';
import { resolverAddress } from '../../domain/stand-ins.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  ERRNO,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '../../syscall/constants.ts';
import { syscallNumber } from '../../syscall/numbers.ts';
import { type InternetAddress, parseAddress } from '../../syscall/socket-address.ts';
import { isLoopback, pathOf, renderInDomain } from './addresses.ts';
import { answer, install, letContinue, release } from './answer.ts';
import { type Act, type CallersUse, isDescendant, readFlags, readMemory, type TrappedCall } from './caller.ts';
import { askAlive, askConnect, askProtocol, type Connected, type ConnectQuestion } from './connect.ts';
import type { BrokerLink } from './link.ts';
import { makeSocket } from './make-socket.ts';
import type { BrokerOptions } from './options.ts';
import { OwnSockets } from './own-sockets.ts';
import { isBoundVisible } from './paths.ts';
import { resolveShown, type ShownPaths } from './resolve-path.ts';
import { findUse } from './survey.ts';

/** A connect(2) in the making. */
interface Attempt {
  readonly call: TrappedCall;
  readonly descriptor: number;
  /** struct sockaddr as it was copied */
  readonly address: Buffer;
  /** unless it is the caller's very socket that is connected */
  use?: CallersUse;
  /** its socket may be connected already */
  readonly again?: true;
}

const failure = (errno: number) => ({ error: -errno });

/** connect(2), and where the sandbox shares the host's network, the calls that make and use sockets. */
export class Connections {
  readonly #options: BrokerOptions;
  /** of a sandbox without a network of its own */
  readonly #own: OwnSockets;

  /** absent where no path is hidden */
  readonly #shown: ShownPaths | undefined;

  constructor(options: BrokerOptions, shown?: ShownPaths) {
    this.#options = options;
    this.#shown = shown;
    this.#own = new OwnSockets(options.outside, options.supervisor);
  }

  /** by the number of the call */
  acts(): readonly (readonly [number | undefined, Act])[] {
    const { arch } = this.#options;
    return [
      [syscallNumber(arch, 'connect'), (call) => this.#connect(call)],
      [syscallNumber(arch, 'socket'), (call) => this.#socket(call)],
      [syscallNumber(arch, 'bind'), (call) => this.#serve(call)],
      [syscallNumber(arch, 'listen'), (call) => this.#serve(call)],
    ];
  }

  listensInside(port: number): Promise<boolean> {
    return this.#own.listenAt(port);
  }

  hasAccepted(own: InternetAddress, peer: InternetAddress): Promise<boolean> {
    return this.#own.hasAccepted(own, peer);
  }

  async #connect(call: TrappedCall): Promise<void> {
    const { outside } = this.#options;
    const [descriptor, length] = [descriptorOf(call), Number(call.args[2])];
    if (length < 2 || length > 128) return answer(outside, call.id, failure(ERRNO.EINVAL));
    const address = readMemory(call.pid, call.args[1] ?? 0n, length);
    if (address.length < 2) return answer(outside, call.id, failure(ERRNO.EFAULT));
    const attempt: Attempt = { call, descriptor, address };
    const to = parseAddress(address);
    const leaves = to !== undefined && !isLoopback(to) && to.port !== 53;
    // what leaves is decided on by its address; what its socket speaks is asked with the connection
    const protocol = leaves ? await this.#leave(attempt, to) : await askProtocol(outside, call.pid, descriptor);
    if (protocol !== 'done') await this.#bySocket(attempt, protocol);
  }

  /** A connection that nothing but its socket tells the kind of. */
  async #bySocket(attempt: Attempt, protocol: string | undefined): Promise<void> {
    const { call, address } = attempt;
    const { outside } = this.#options;
    const domain = address.readUInt16LE(0);
    if (protocol === undefined) return answer(outside, call.id, failure(ERRNO.ENOTSOCK));
    if (protocol === 'UNIX' && domain !== AF_UNIX) return this.#datagramChannel(attempt, domain);
    if (protocol.startsWith('UNIX') && domain !== AF_UNIX) return answer(outside, call.id, failure(ERRNO.EINVAL));
    if (protocol.startsWith('UNIX')) return this.#unix(attempt, protocol === 'UNIX' ? SOCK_SEQPACKET : SOCK_STREAM);
    const stream = protocol.startsWith('TCP') || protocol.startsWith('MPTCP');
    const to = parseAddress(address);
    if (stream && to) return this.#stream(attempt, to);
    if (protocol.startsWith('UDP')) return this.#datagrams(attempt, protocol === 'UDP' ? AF_INET : AF_INET6, to);
    if (stream && domain === AF_UNSPEC) return this.#disconnect(attempt, protocol.endsWith('v6') ? AF_INET6 : AF_INET);
    const isShort = domain === AF_INET || domain === AF_INET6;
    const error = domain === AF_UNSPEC ? 'EOPNOTSUPP' : isShort ? 'EINVAL' : 'EAFNOSUPPORT';
    answer(outside, call.id, failure(ERRNO[error]));
  }

  /** Connects to the proxy if the socket is of TCP, and tells what else it is. */
  async #leave(attempt: Attempt, to: InternetAddress): Promise<string | undefined | 'done'> {
    const { outside, route } = this.#options;
    const { call, descriptor } = attempt;
    const decided = await route(to);
    if (decided.kind === 'refuse') {
      answer(outside, call.id, failure(decided.error));
      return 'done';
    }
    const domain = attempt.address.readUInt16LE(0);
    const address = renderInDomain({ family: 4, address: '127.0.0.1', port: decided.port }, domain);
    const forTcp = { pid: call.pid, descriptor };
    const connected = await this.#connectOwn(attempt, { domain, type: SOCK_STREAM, address, forTcp });
    const { protocol, result, socket, port } = connected;
    if (protocol !== undefined && socket === undefined && result === 0) return protocol === '' ? undefined : protocol;
    if (result === 0 || result === -ERRNO.EINPROGRESS) decided.announce(port);
    this.#finish(outside, attempt, connected);
    return 'done';
  }

  /** connect(2) of TCP with AF_UNSPEC: a socket that is not connected takes the place of the caller's, as socket(2) gives one. */
  async #disconnect(attempt: Attempt, domain: number): Promise<void> {
    const { inside, outside } = this.#options;
    const again = { ...attempt, again: true } as const;
    const question = {
      domain,
      type: SOCK_STREAM,
      address: attempt.address,
      ...(!inside && { onLoopback: true as const }),
    };
    this.#finish(inside ?? outside, again, await this.#patiently(inside ?? outside, again, question));
  }

  /** The stand-in for a datagram socket: it is connected to the name server and to nothing else. */
  #datagramChannel({ call, address }: Attempt, domain: number): void {
    const to = parseAddress(address);
    const fine = domain === AF_UNSPEC || to?.port === 53;
    answer(this.#options.outside, call.id, fine ? {} : failure(ERRNO.ENETUNREACH));
  }

  /** Datagrams of a network of the sandbox's own: another socket there, connected; every name server is the sandbox's. */
  async #datagrams(attempt: Attempt, domain: number, to: InternetAddress | undefined): Promise<void> {
    const { inside, outside } = this.#options;
    if (!inside) return answer(outside, attempt.call.id, failure(ERRNO.ENETUNREACH));
    const own = to?.port === 53 ? renderInDomain({ family: 4, address: resolverAddress, port: 53 }, domain) : undefined;
    const again = { ...attempt, again: true } as const;
    const question = { domain, type: SOCK_DGRAM, address: own ?? attempt.address };
    this.#finish(inside, again, await this.#patiently(inside, again, question));
  }

  async #unix(attempt: Attempt, type: number): Promise<void> {
    const { inside, outside, paths } = this.#options;
    const link = inside ?? outside;
    const path = pathOf(attempt.address, attempt.call.pid);
    if (path !== undefined && !this.#isVisible(path, attempt.call.pid))
      return answer(outside, attempt.call.id, failure(paths?.hides || !existsSync(path) ? ERRNO.ENOENT : ERRNO.EACCES));
    const connected = await this.#patiently(link, attempt, {
      domain: AF_UNIX,
      type,
      address: attempt.address,
      ...(path !== undefined && { path }),
      ...(!inside && { peerProcess: true }),
    });
    const own = inside ? connected.peer !== 0 : await this.#isOwnProcess(connected);
    if (connected.result === 0 && !own) return this.#drop(link, attempt, connected, -ERRNO.ECONNREFUSED);
    this.#finish(link, attempt, connected);
  }

  #isVisible(path: string, pid: number): boolean {
    const text = Buffer.from(path).toString('latin1');
    const asked = { text, from: '/', follows: true, pid };
    return this.#shown === undefined || resolveShown(asked, this.#shown) !== undefined;
  }

  /** Where ids of processes are shared with the host, one may be taken over from a server of the host's that has ended. */
  async #isOwnProcess({ peer, peerProcess }: Connected): Promise<boolean> {
    const { outside, supervisor } = this.#options;
    if (peerProcess === undefined) return false;
    const own = isDescendant(peer, supervisor);
    return (await askAlive(outside, peerProcess)) && own;
  }

  async #stream(attempt: Attempt, to: InternetAddress): Promise<void> {
    const { inside, outside, route, onServer } = this.#options;
    const domain = attempt.address.readUInt16LE(0);
    const question = { domain, type: SOCK_STREAM, address: attempt.address };
    if (isLoopback(to) && inside) {
      const connected = await this.#patiently(inside, attempt, question);
      if (connected.result === 0) onServer?.(to.port);
      if (connected.result !== -ERRNO.ECONNREFUSED) return this.#finish(inside, attempt, connected);
      if (connected.socket !== undefined) release(inside, connected.socket);
    }
    const decided = await route(to);
    if (decided.kind === 'refuse') return answer(outside, attempt.call.id, failure(decided.error));
    const address = renderInDomain({ family: 4, address: '127.0.0.1', port: decided.port }, domain);
    const connected = await this.#connectOwn(attempt, { ...question, address });
    if (connected.result === 0 || connected.result === -ERRNO.EINPROGRESS) decided.announce(connected.port);
    this.#finish(outside, attempt, connected);
  }

  /** Connects the caller's very socket where the broker has made it, or one that takes its place. */
  async #connectOwn(attempt: Attempt, question: ConnectQuestion): Promise<Connected & { readonly same?: true }> {
    const { call, descriptor } = attempt;
    const socket = this.#options.inside ? undefined : this.#own.take(call.pid, descriptor);
    const { forTcp: _, ...plain } = question;
    const fresh = { ...question, ...(!this.#options.inside && { onLoopback: true as const }) };
    const asked = socket === undefined ? fresh : { ...plain, socket }; // the broker makes none but of TCP
    const connected = await this.#patiently(this.#options.outside, attempt, asked);
    return socket === undefined ? connected : { ...connected, same: true };
  }

  /** Connects; where that takes longer, a blocking caller goes on waiting, though nobody else waits with it. */
  async #patiently(link: BrokerLink, attempt: Attempt, question: ConnectQuestion): Promise<Connected> {
    const surveyed = { pid: attempt.call.pid, descriptor: attempt.descriptor };
    const isFresh = question.socket === undefined && link === this.#options.outside;
    const asked = askConnect(link, { ...question, ...(isFresh && { surveyed }) });
    try {
      return await this.#untilConnected(link, attempt, question, asked);
    } catch (error) {
      // the caller has gone: nothing is to be left of its socket
      const { socket } = await asked;
      if (socket !== undefined) release(link, socket);
      throw error;
    }
  }

  async #untilConnected(
    link: BrokerLink,
    attempt: Attempt,
    question: ConnectQuestion,
    asked: Promise<Connected>,
  ): Promise<Connected> {
    const { call, descriptor } = attempt;
    let connected = await asked;
    if (question.socket === undefined && connected.socket !== undefined)
      attempt.use = await findUse(this.#options.outside, { pid: call.pid, descriptor }, connected.survey);
    // a socket of the host's network is handed over connected: before, shutdown(2) would make it one that can listen there
    const inHostNetwork = link === this.#options.outside && question.socket === undefined;
    const pending = () =>
      connected.socket !== undefined &&
      [-ERRNO.EINPROGRESS, -ERRNO.EALREADY, -ERRNO.EAGAIN].includes(connected.result) &&
      (inHostNetwork || !readFlags(call.pid, descriptor).nonBlocking);
    for (let pauseMs = 20; pending(); pauseMs = Math.min(2 * pauseMs, 500)) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      connected = await askConnect(link, { ...question, socket: connected.socket as number, again: true });
    }
    return connected.result === -ERRNO.EISCONN ? { ...connected, result: 0 } : connected;
  }

  /** Hands the socket over, or tells why there is none. */
  #finish(link: BrokerLink, attempt: Attempt, connected: Connected & { readonly same?: true }): void {
    const { socket, result, same } = connected;
    const { call, use, again } = attempt;
    const begun = result === 0 || result === -ERRNO.EINPROGRESS;
    if (socket !== undefined && begun && !same && use) {
      const process = link === this.#options.inside ? use.process.inner : use.process.outer;
      install(link, { id: call.id, socket, ...use, error: result, process, ...(again && { again }) });
    } else this.#drop(link, attempt, connected, result);
  }

  #drop(link: BrokerLink, { call }: Attempt, { socket }: Connected, error: number): void {
    if (socket !== undefined) release(link, socket);
    answer(link, call.id, { error });
  }

  async #socket(call: TrappedCall): Promise<void> {
    const made = await makeSocket(this.#options.outside, call);
    if (made) this.#own.add(made);
  }

  /**
   * bind(2) and listen(2) there: the socket becomes a server's, which nobody else may keep open. The call goes on: its socket knows
   * loopback alone, and a path is Landlock's to refuse.
   */
  async #serve(call: TrappedCall): Promise<void> {
    const { arch, outside, paths } = this.#options;
    const kept = this.#own.take(call.pid, descriptorOf(call));
    if (kept !== undefined) release(outside, kept);
    const shown = call.number === syscallNumber(arch, 'bind') && paths?.hides ? this.#shown : undefined;
    if (shown && !isBoundVisible(call, shown)) answer(outside, call.id, failure(ERRNO.ENOENT));
    else letContinue(outside, call.id);
  }
}

const descriptorOf = ({ args }: TrappedCall): number => Number(BigInt.asIntN(32, args[0] ?? 0n));
