import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  MSG_DONTWAIT,
  NETLINK_SOCK_DIAG,
  SOCK_CLOEXEC,
  SOCK_RAW,
} from '../../syscall/constants.ts';
import { type InternetAddress, renderBareAddress } from '../../syscall/socket-address.ts';
import type { BrokerLink } from './link.ts';
import { readAccepted, readListeners } from './shared-sockets.ts';

/** Room for what one datagram of an answer holds: some twenty listeners. */
const window = 2048;
const windows = [AF_INET, AF_INET, AF_INET6, AF_INET6] as const;

/**
 * The inodes of the sockets that listen at a port of any address of the broker's network. Asked by netlink (sock_diag(7)), which looks through listeners
 * alone; /proc/net/tcp lists every connection before. An answer with more than there is room for holds an inode that is nobody's.
 */
export const askListeners = async (link: BrokerLink, port: number): Promise<readonly number[]> => {
  const found = await link.ask(8 + windows.length * window, (program, results) => {
    const done = program.label();
    const made = program.valueAt(results);
    for (const [index, family] of windows.entries()) {
      if (index % 2 === 0) {
        const kind = SOCK_RAW | SOCK_CLOEXEC;
        program.call('socket', [AF_NETLINK, kind, NETLINK_SOCK_DIAG], { into: made, onFailure: done });
        const request = program.bytes(renderRequest(family, port));
        program.call('sendto', [made, request, requestBytes, 0, 0, 0], { onFailure: 'ignore' });
      }
      const place = program.at(results, 8 + index * window);
      program.call('recvfrom', [made, place, window, MSG_DONTWAIT, 0, 0], { onFailure: 'ignore' });
      if (index % 2 === 1) program.call('close', [made], { onFailure: 'ignore' });
    }
    program.place(done);
  });
  if (found.readBigInt64LE(0) < 0n) return readListeners(port); // a filter refuses it
  return windows.flatMap((_, index) => parseInodes(found.subarray(8 + index * window, 8 + (index + 1) * window)));
};

/**
 * The inode of the socket of the broker's network that has these two ends: its own, and that of a connection to it; 0 if no process has it, not
 * yet or no longer. What led the connection elsewhere, as a translation of addresses does, or has not made it yet, leaves none.
 */
export const askAccepted = async (
  link: BrokerLink,
  own: InternetAddress,
  peer: InternetAddress,
): Promise<number | undefined> => {
  const found = await link.ask(8 + window, (program, results) => {
    const done = program.label();
    const made = program.valueAt(results);
    program.call('socket', [AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG], { into: made, onFailure: done });
    const request = program.bytes(renderExactRequest(own, peer));
    program.call('sendto', [made, request, requestBytes, 0, 0, 0], { onFailure: 'ignore' });
    program.call('recvfrom', [made, program.at(results, 8), window, MSG_DONTWAIT, 0, 0], { onFailure: 'ignore' });
    program.call('close', [made], { onFailure: 'ignore' });
    program.place(done);
  });
  if (found.readBigInt64LE(0) < 0n) return readAccepted(own, peer); // a filter refuses it
  // without such a socket the kernel looks for a listener
  const isSocket = found.readUInt16LE(8 + 4) === SOCK_DIAG_BY_FAMILY && found[8 + messageHead + 1] !== TCP_LISTEN;
  return isSocket ? found.readUInt32LE(8 + inodeAt) : undefined;
};

const requestBytes = 72;
const messageHead = 16;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const TCP_LISTEN = 10;
const IPPROTO_TCP = 6;
const anyState = 0xffff_ffff;
/** LOOPBACK_IFINDEX (net/net_namespace.h) */
const loopbackIndex = 1;

/** struct nlmsghdr and inet_diag_req_v2 (sock_diag(7)). */
const renderRequest = (family: number, port: number, flags = NLM_F_REQUEST | NLM_F_DUMP, states = 1 << TCP_LISTEN) => {
  const bytes = Buffer.alloc(requestBytes);
  bytes.writeUInt32LE(requestBytes, 0);
  bytes.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes[messageHead] = family;
  bytes[messageHead + 1] = IPPROTO_TCP;
  bytes.writeUInt32LE(states, messageHead + 4);
  bytes.writeUInt16BE(port, messageHead + 8);
  return bytes;
};

const renderExactRequest = (own: InternetAddress, peer: InternetAddress): Buffer => {
  const family = own.family === 4 ? AF_INET : AF_INET6;
  const bytes = renderRequest(family, own.port, NLM_F_REQUEST, anyState);
  bytes.writeUInt16BE(peer.port, messageHead + 10);
  bytes.set(renderBareAddress(own), messageHead + 12);
  bytes.set(renderBareAddress(peer), messageHead + 28);
  bytes.writeUInt32LE(loopbackIndex, messageHead + 44); // a socket that is bound to it is not found otherwise
  bytes.fill(0xff, messageHead + 48); // INET_DIAG_NOCOOKIE
  return bytes;
};

/** Where struct inet_diag_msg holds the inode. */
const inodeAt = messageHead + 68;
const nobody = -1;

const parseInodes = (bytes: Buffer): number[] => {
  const inodes: number[] = [];
  for (let at = 0; at + messageHead <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < messageHead) break; // what was not written to
    if (at + length > bytes.length) return [...inodes, nobody];
    if (bytes.readUInt16LE(at + 4) === SOCK_DIAG_BY_FAMILY) inodes.push(bytes.readUInt32LE(at + inodeAt));
    at += (length + 3) & ~3;
  }
  return inodes;
};
