import type { Socket } from 'node:net';
import type { Destination } from '../egress.ts';
import type { ProxyLimits } from './served.ts';

/** Knows which connections the broker made: by the port that they come from, told before or after they are accepted. */
export interface Admission {
  readonly expect: (sourcePort: number, destination: Destination) => void;
  /** the destination of a connection that was announced before it came */
  readonly take: (client: Socket) => Destination | undefined;
  /** `admit` is called when it is announced; if it is not in time, it is closed */
  readonly wait: (client: Socket) => void;
}

/** An announcement whose connection never came must not let a stranger in who gets the same port later. */
const announcementMs = 10_000;

interface Announcement {
  readonly destination: Destination;
  readonly sinceMs: number;
}

interface Waiting {
  readonly client: Socket;
  readonly leave: () => void;
}

export const openAdmission = (
  { strangerWaitMs, maxWaiting }: ProxyLimits,
  admit: (client: Socket, destination: Destination) => void,
): Admission => {
  const announced = new Map<number, Announcement>();
  const waiting = new Map<number, Waiting>();

  const forgetOld = (): void => {
    for (const [port, { sinceMs }] of announced) {
      if (performance.now() - sinceMs < announcementMs) return;
      announced.delete(port);
    }
  };
  return {
    expect: (sourcePort, destination) => {
      forgetOld();
      const found = waiting.get(sourcePort);
      // again at the end: the map is in the order of time
      announced.delete(sourcePort);
      if (found === undefined) {
        announced.set(sourcePort, { destination, sinceMs: performance.now() });
        return;
      }
      found.leave();
      admit(found.client, destination);
    },
    take: (client) => {
      forgetOld();
      const port = client.remotePort ?? 0;
      const destination = announced.get(port)?.destination;
      announced.delete(port);
      return destination;
    },
    wait: (client) => {
      const port = client.remotePort ?? 0;
      const [longest] = waiting.values();
      if (waiting.size >= maxWaiting) longest?.client.destroy();
      const timer = setTimeout(() => client.destroy(), strangerWaitMs);
      const leave = (): void => {
        clearTimeout(timer);
        client.off('close', leave);
        if (waiting.get(port)?.client === client) waiting.delete(port);
      };
      waiting.set(port, { client, leave });
      client.once('close', leave);
    },
  };
};
