import { connect, type Socket } from 'node:net';
import { renderAddress } from '../syscall/socket-address.ts';
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

/** Connections to servers of the sandbox's on the loopback that it shares with the host. */
export const sharedInside =
  ({ listensInside }: OpenBroker): ConnectInside =>
  async (port) =>
    (await listensInside(port)) ? await connected(port) : undefined;

const connected = (port: number): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    socket.once('connect', () => resolve(socket)).once('error', () => resolve(undefined));
  });
