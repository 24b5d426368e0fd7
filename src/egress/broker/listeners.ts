import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  MSG_DONTWAIT,
  NETLINK_SOCK_DIAG,
  SOCK_CLOEXEC,
  SOCK_RAW,
} from '../../syscall/constants.ts';
import { readListeners } from './caller.ts';
import type { BrokerLink } from './link.ts';

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

const requestBytes = 72;
const messageHead = 16;
const SOCK_DIAG_BY_FAMILY = 20;
/** NLM_F_REQUEST | NLM_F_DUMP (netlink(7)) */
const dump = 0x301;
const TCP_LISTEN = 10;
const IPPROTO_TCP = 6;

/** struct nlmsghdr and inet_diag_req_v2 (sock_diag(7)). */
const renderRequest = (family: number, port: number): Buffer => {
  const bytes = Buffer.alloc(requestBytes);
  bytes.writeUInt32LE(requestBytes, 0);
  bytes.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  bytes.writeUInt16LE(dump, 6);
  bytes[messageHead] = family;
  bytes[messageHead + 1] = IPPROTO_TCP;
  bytes.writeUInt32LE(1 << TCP_LISTEN, messageHead + 4);
  bytes.writeUInt16BE(port, messageHead + 8);
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
