import type { InternetAddress } from '../../syscall/socket-address.ts';
import { release } from './answer.ts';
import { holdsSocket, readSocketInode } from './caller.ts';
import type { BrokerLink } from './link.ts';
import { askAccepted, askListeners } from './listeners.ts';
import type { MadeSocket } from './sockets.ts';

/** More sockets than are ever made before the first of them is connected or bound. */
const mostKept = 256;
/** A server's socket that is older than so many others is taken for a stranger's: connections to it are refused. */
const mostKnown = 100_000;

/**
 * The TCP sockets of a sandbox that has no network of its own. The broker has made them, and keeps a descriptor of each until it is
 * connected or bound: so it connects the caller's very socket, and options, duplicates and epoll registrations stay.
 */
export class OwnSockets {
  readonly #link: BrokerLink;
  readonly #supervisor: number;
  /** inodes */
  readonly #known = new Set<number>();
  /** the broker's descriptors by inode */
  readonly #kept = new Map<number, number>();

  /** `supervisor` is the process that every one of the run descends from. */
  constructor(link: BrokerLink, supervisor: number) {
    this.#link = link;
    this.#supervisor = supervisor;
  }

  add({ inode, socket }: MadeSocket): void {
    if (inode === 0 || socket === 0) return;
    this.#known.add(inode);
    this.#kept.set(inode, socket);
    const [oldestKnown] = this.#known;
    if (this.#known.size > mostKnown && oldestKnown !== undefined) this.#known.delete(oldestKnown);
    const [oldestKept] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldestKept !== undefined) this.#let(oldestKept);
  }

  /** The broker's own descriptor of a caller's socket, no longer kept: whoever takes it releases it. */
  take(pid: number, descriptor: number): number | undefined {
    const inode = readSocketInode(pid, descriptor);
    const socket = inode === undefined ? undefined : this.#kept.get(inode);
    if (inode !== undefined) this.#kept.delete(inode);
    return socket;
  }

  /** Whether every socket that listens at a port, of the loopback that is shared with the host, was made for this run. */
  async listenAt(port: number): Promise<boolean> {
    const listeners = await askListeners(this.#link, port);
    return listeners.length > 0 && this.#madeAll(listeners);
  }

  /**
   * Whether a connection to such a port has come to a socket of this run: nobody else listens there, and the other end is at that port. Where
   * nobody listens any more, it is held by a process of the run, or by none: then nobody is left to be spoken to.
   */
  async hasAccepted(own: InternetAddress, peer: InternetAddress): Promise<boolean> {
    const [inode, listeners] = await Promise.all([
      askAccepted(this.#link, own, peer),
      askListeners(this.#link, own.port),
    ]);
    if (inode === undefined || !this.#madeAll(listeners)) return false;
    return listeners.length > 0 || inode === 0 || holdsSocket(this.#supervisor, inode);
  }

  #madeAll(listeners: readonly number[]): boolean {
    return listeners.every((inode) => this.#known.has(inode));
  }

  #let(inode: number): void {
    const socket = this.#kept.get(inode);
    this.#kept.delete(inode);
    if (socket !== undefined) release(this.#link, socket);
  }
}
