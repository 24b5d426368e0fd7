import { isIP } from 'node:net';

/** A host as it was spelled, without brackets, and a port. What may be a host is for the policy to decide. */
export interface Authority {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[address]:port`; without a port only if there is a default. No user name. */
export const parseAuthority = (text: string, defaultPort?: number): Authority | undefined => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:@/?#[\]\\]+))(?::([0-9]{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  return host === undefined || port === undefined || port < 1 || port > 65535 ? undefined : { host, port };
};

export interface AbsoluteTarget extends Authority {
  readonly path: string;
}

/** The absolute form of a request's target (RFC 9112, 3.2.2) for the one scheme that is proxied so. */
export const parseAbsoluteForm = (target: string): AbsoluteTarget | undefined => {
  const match = /^http:\/\/([^/?#]*)([/?][^#]*)?$/i.exec(target);
  const authority = match?.[1] === undefined ? undefined : parseAuthority(match[1], 80);
  if (authority === undefined) return undefined;
  const rest = match?.[2] ?? '/';
  return { ...authority, path: rest.startsWith('?') ? `/${rest}` : rest };
};

/** Whether two spellings name one host: case and one last dot aside. */
export const isSameHost = (a: string, b: string): boolean => canonical(a) === canonical(b);

const canonical = (host: string): string => host.toLowerCase().replace(/\.$/, '');

/** The value of a Host header; the port is left out where it is the scheme's own. */
export const renderHost = ({ host, port }: Authority): string =>
  `${isIP(host) === 6 ? `[${host}]` : host}${port === 80 ? '' : `:${port}`}`;

/** Whether a destination is one machine and no name that a server could be asked for beside others. */
export const isPlainAddress = (host: string): boolean => isIP(host) !== 0 || host === 'localhost';
