import { readFileSync } from 'node:fs';
import { type InternetAddress, renderBareAddress } from '../../syscall/socket-address.ts';

/** The fields of /proc/net/tcp and tcp6 (proc_net_tcp(5)): 1 and 2 the ends, as hexadecimal words of the machine, 3 the state, 9 the inode. */
const readSockets = (): readonly (readonly string[])[] =>
  ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    readFileSync(path, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/)),
  );

const TCP_LISTEN = '0A';

/** The inodes of the sockets that listen at a port of any address. */
export const readListeners = (port: number): number[] =>
  readSockets()
    .filter((field) => field[3] === TCP_LISTEN && field[1]?.endsWith(`:${renderPort(port)}`))
    .map((field) => Number(field[9]));

/** The inode of the socket that has these two ends: its own, and that of a connection to it; 0 if no process has it. */
export const readAccepted = (own: InternetAddress, peer: InternetAddress): number | undefined => {
  const [ownEnds, peerEnds] = [renderEnds(own), renderEnds(peer)];
  const found = readSockets().find(
    (field) => field[3] !== TCP_LISTEN && ownEnds.includes(field[1] ?? '') && peerEnds.includes(field[2] ?? ''),
  );
  return found && Number(found[9]);
};

/** An end as such a file has it; one of IPv4 may belong to a socket of IPv6, too. */
const renderEnds = (end: InternetAddress): readonly string[] => {
  const bytes = renderBareAddress(end);
  const mapped = Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), bytes]);
  return [bytes, ...(end.family === 4 ? [mapped] : [])].map(
    (address) => `${renderWords(address)}:${renderPort(end.port)}`,
  );
};

const renderPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

/** Words of four bytes in the machine's own order, which is little-endian on both architectures. */
const renderWords = (bytes: Buffer): string => Buffer.from(bytes).swap32().toString('hex').toUpperCase();
