import { isAbsolute } from 'node:path';
import { AF_INET } from '../../syscall/constants.ts';
import { type InternetAddress, renderAddress } from '../../syscall/socket-address.ts';
import { readDescriptorPath, readWorkingDirectory } from './caller.ts';

/** The absolute path of a unix socket, or undefined for an abstract one. */
export const pathOf = (address: Buffer, pid: number): string | undefined => {
  if (address.length <= 2 || address[2] === 0) return undefined;
  const end = address.indexOf(0, 2);
  const path = address.toString('utf8', 2, end < 0 ? address.length : end);
  return isAbsolute(path) ? asOfCaller(path, pid) : `${readWorkingDirectory(pid)}/${path}`;
};

/** What these links lead to is the caller's, not the broker's who looks the path up: so programs name a path that is too long for sun_path. */
const ownLink = /^\/(?:proc\/(?:self|thread-self)\/(?:fd\/(\d+)|cwd|root)|dev\/fd\/(\d+))(?=\/|$)/;

const asOfCaller = (path: string, pid: number): string =>
  path.replace(ownLink, (link, descriptor?: string, device?: string) => {
    const number = descriptor ?? device;
    if (number !== undefined) return readDescriptorPath(pid, Number(number)) ?? '/proc/none';
    return link.endsWith('/cwd') ? readWorkingDirectory(pid) : '/';
  });

/** All of 127.0.0.0/8, ::1, and the unspecified addresses, which lead to the former (ip(7)). */
export const isLoopback = ({ family, address }: InternetAddress): boolean =>
  family === 4 ? address.startsWith('127.') || address.startsWith('0.') : address === '::1' || address === '::';

/** An IPv4 address for a socket of either domain. */
export const renderInDomain = (to: InternetAddress, domain: number): Buffer => {
  if (domain === AF_INET || to.family === 6) return renderAddress(to);
  const bytes = renderAddress({ family: 6, address: '::', port: to.port });
  bytes.writeUInt16BE(0xffff, 18);
  bytes.set(to.address.split('.').map(Number), 20);
  return bytes;
};
