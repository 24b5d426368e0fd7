import { connect, isIP, type Socket } from 'node:net';
import { type InternetAddress, renderAddress } from '../syscall/socket-address.ts';
import type { OpenBroker } from './broker/broker.ts';
import { sendConnected } from './broker/connect.ts';
import type { BrokerLink } from './broker/link.ts';
import { drain } from './broker/sockets.ts';
import type { ConnectInside } from './publish.ts';

/** Where sockets arrive: a child process with an IPC channel (child_process, event 'message'). */
export interface HandleChannel {
  /** the channel's number in the broker */
  readonly descriptor: number;
  readonly onSocket: (listener: (note: unknown, socket: Socket | undefined) => void) => void;
}

const loopbacks = [
  { family: 4, address: '127.0.0.1' },
  { family: 6, address: '::1' },
] as const;

/** Connections into a network of the sandbox's own: made there, and handed over. */
export const openInside = (link: BrokerLink, handles: HandleChannel): ConnectInside => {
  const waiting = new Map<number, (socket: Socket | undefined) => void>();
  let tickets = 0;
  handles.onSocket((note, socket) => {
    const ticket = (note as { readonly ticket?: unknown } | null)?.ticket;
    const resolve = typeof ticket === 'number' ? waiting.get(ticket) : undefined;
    if (resolve === undefined) socket?.destroy();
    else resolve(socket);
  });
  drain(link, handles.descriptor); // Node acknowledges every socket, which has to be read
  return async (port) => {
    for (const to of loopbacks) {
      const ticket = ++tickets;
      const arrived = new Promise<Socket | undefined>((resolve) => waiting.set(ticket, resolve));
      const result = await sendConnected(link, renderAddress({ ...to, port }), { ticket }, handles.descriptor);
      const socket = result < 0 ? undefined : await arrived;
      waiting.delete(ticket);
      if (socket) return Object.assign(socket, { allowHalfOpen: true });
    }
    return undefined;
  };
};

/** Makes a connection to a server of the sandbox's; undefined if there is none. */
export type ConnectToOwn = (to: InternetAddress) => Promise<Socket | undefined>;

/** No server of this machine takes longer, if it takes connections at all. */
const patienceMs = 2_000;

/**
 * Connections to servers of the sandbox's on the loopback that it shares with the host. The launcher makes them, and nothing is sent before it is
 * known where they end: all that listens at the port is the sandbox's, before and after, and a socket at that port is the other end. So
 * neither a server of the host's that takes the port meanwhile nor a translation of addresses, as for Docker's name server, is spoken to.
 */
export const connectToOwn =
  ({ listensInside, hasAccepted }: OpenBroker): ConnectToOwn =>
  async (to) => {
    if (!(await listensInside(to.port))) return undefined;
    const socket = await connected(to);
    if (socket === undefined) return undefined;
    const [own, peer] = [endOf(socket.remoteAddress, to.port), endOf(socket.localAddress, socket.localPort ?? 0)];
    if (own && peer && (await hasAccepted(own, peer))) return socket;
    socket.destroy();
    return undefined;
  };

/** The same by a port alone, for those that are published. */
export const sharedInside =
  (connectTo: ConnectToOwn): ConnectInside =>
  async (port) => {
    for (const to of loopbacks) {
      const socket = await connectTo({ ...to, port });
      if (socket) return socket;
    }
    return undefined;
  };

const endOf = (address: string | undefined, port: number): InternetAddress | undefined =>
  address === undefined ? undefined : { family: isIP(address) === 6 ? 6 : 4, address, port };

const connected = ({ address, port }: InternetAddress): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    const giveUp = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    const timer = setTimeout(giveUp, patienceMs);
    socket.once('close', () => clearTimeout(timer)).on('error', giveUp);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
