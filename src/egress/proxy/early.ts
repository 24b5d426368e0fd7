import type { Socket } from 'node:net';
import type { Dialled } from '../egress.ts';
import { cut, pump } from './tunnel.ts';

/** The time before a client's first bytes are known. */
export interface Early {
  /** stops passing on what the host says; false if the client has heard something already */
  readonly stop: () => boolean;
  /** closes the connection to the host, also one that is still being made */
  readonly drop: () => void;
}

/** How long a client whose host can't be reached has to begin with something that can be answered. */
const silenceMs = 1_000;

/** Passes on what the host says by itself: mail, shell and database servers greet first. */
export const openEarly = (client: Socket, dialling: Promise<Dialled> | undefined): Early => {
  let host: Socket | undefined;
  let stopPump = (): void => {};
  let heard = 0;
  let dropped = false;
  const follow = (hadError: boolean): void => void (hadError && cut(client));
  void dialling?.then((dialled) => {
    if (dialled.kind !== 'connected') return closeSilent(client);
    if (dropped || client.destroyed) return void dialled.socket.destroy();
    host = dialled.socket;
    heard = host.bytesRead - host.readableLength;
    stopPump = pump(host, client);
    if (host.destroyed) follow(host.errored !== null);
    else host.once('close', follow);
  });
  return {
    stop: () => {
      stopPump();
      host?.off('close', follow);
      return host === undefined || (host.bytesRead === heard && !host.destroyed && !host.readableEnded);
    },
    drop: () => {
      dropped = true;
      host?.destroy();
    },
  };
};

const closeSilent = (client: Socket): void => {
  const timer = setTimeout(() => client.bytesRead === 0 && cut(client), silenceMs);
  client.once('close', () => clearTimeout(timer));
};
