import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { handleOf, isAtRest, startReading, stopReading } from '../splice/handle.ts';
import type { Returned } from '../splice/program.ts';
import type { Splicer } from '../splice/splicer.ts';
import { closeTogether, cut, pump } from './tunnel.ts';

export interface Joined {
  /** bytes of the first socket and of the second that passed by Node, and are in none of its counters */
  readonly passed: () => readonly [number, number];
}

/** A tunnel goes to the splicer after so many messages in a row that are this small: handing it over takes as long as copying a dozen. */
const busyAfter = 32;
const smallBytes = 16 * 1024;

/** Copies both directions until both are over: here, or in the splicer as long as the tunnel is busy with small messages. */
export const join = (a: Socket, b: Socket, splicer?: Splicer): Joined => {
  closeTogether(a, b);
  const sockets = [a, b] as const;
  const passed: [number, number] = [0, 0];
  const isSpliceable = splicer !== undefined && sockets.every((socket) => handleOf(socket) !== undefined);
  let stops: readonly (() => void)[] = [];
  let small = 0;
  let isWaiting = false;
  const copy = (): void => {
    const see = isSpliceable ? count : undefined;
    stops = [pump(a, b, see), pump(b, a, see)];
  };
  const count = (bytes: number): void => {
    small = bytes <= smallBytes ? small + 1 : 0;
    if (small >= busyAfter && !isWaiting) void handOver();
  };
  const handOver = async (): Promise<void> => {
    isWaiting = true;
    let isAway = false;
    const how = await splicer?.splice(sockets, () => {
      isAway = letGo();
      return isAway;
    });
    isWaiting = false;
    small = 0;
    if (isAway) takeBack(how);
  };
  const letGo = (): boolean => {
    if (!sockets.every(isAtRest)) return false;
    for (const stop of stops) stop();
    sockets.forEach(stopReading);
    return true;
  };
  const takeBack = (how: Returned | 'lost' | undefined): void => {
    if (how === 'lost')
      cut(b, failure('EIO')); // and with it the other
    else if (how !== undefined) settle(how);
    if (a.destroyed || b.destroyed) return;
    sockets.forEach(startReading);
    copy();
  };
  const settle = ({ from, received, sent, carried, unsent }: Returned): void => {
    const to = from === 0 ? 1 : 0;
    passed[0] += carried[0];
    passed[1] += carried[1];
    fail(sockets[from], received);
    fail(sockets[to], sent);
    if (unsent.length === 0 || sockets[to].destroyed) return;
    if (from === 1) passed[1] += unsent.length; // Node counts what it writes to a host, and has not read this
    sockets[to].write(unsent);
  };
  copy();
  return { passed: () => passed };
};

/** Ends a socket by the error that its last call gave: the kernel tells of it once. */
const fail = (socket: Socket, result: number): void => {
  if (result < 0 && result !== -constants.errno.EAGAIN) socket.destroy(failure(getSystemErrorName(result)));
};

const failure = (code: string): Error => Object.assign(new Error(code), { code });
