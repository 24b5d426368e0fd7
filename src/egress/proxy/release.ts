import type { Socket } from 'node:net';
import type { Decision } from '../../domain/decision.ts';
import { join } from './join.ts';
import { countBytes, type Served } from './served.ts';
import { whenBothClosed } from './tunnel.ts';

/** A client and the host that it is allowed to speak with. */
export interface Tunnel {
  readonly client: Socket;
  readonly host: Socket;
  readonly decision: Decision;
  readonly startedMs: number;
  /** what the client has sent to the host already */
  readonly first: Buffer;
  /** how many bytes the client has heard of the host */
  readonly heard?: number;
}

/** From here on bytes are copied and not looked at; tells of the tunnel when it is over. */
export const release = (
  { onEvent, splicer }: Served,
  { client, host, decision, startedMs, first, heard = 0 }: Tunnel,
): void => {
  const count = countBytes(host);
  if (first.length > 0) host.write(first);
  const { passed } = join(client, host, splicer);
  whenBothClosed(client, host, (error) => {
    const { bytesOut, bytesIn } = count();
    onEvent({
      decision,
      startedMs,
      durationMs: Date.now() - startedMs,
      bytesOut: bytesOut + passed()[0],
      bytesIn: bytesIn + heard + passed()[1],
      ...(error !== undefined && { error }),
    });
  });
};
