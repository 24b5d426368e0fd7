import { isIPv4 } from 'node:net';
import type { EgressEvent } from '../../domain/decision.ts';
import type { Egress } from '../egress.ts';
import {
  type DnsAnswer,
  type DnsQuery,
  parseQuery,
  recordType,
  renderName,
  renderReply,
  responseCode,
} from './message.ts';
import type { StandIns } from './stand-ins.ts';

export interface AnswererOptions {
  readonly egress: Pick<Egress, 'knowsName' | 'decide'>;
  readonly standIns: StandIns;
  readonly onEvent: (event: EgressEvent) => void;
  /** names with addresses of their own inside, such as the sandbox's host name; in lower case */
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
  /** suffixes that a resolver tries by itself: a name below one is refused without an event */
  readonly searchDomains?: readonly string[];
}

/** Answers one query. Never rejects. */
export type Answer = (query: Buffer) => Promise<Buffer>;

/**
 * The sandbox's only name server. It asks nobody: a name that may be reached stands for an address that the proxy knows it by, any other
 * does not exist. IPv6 and service records of a known name are empty, so that clients take the stand-in.
 */
export const openAnswerer = (options: AnswererOptions): Answer => {
  const told = new Set<string>();
  return async (bytes) => {
    const query = parseQuery(bytes);
    if (query.kind === 'bad') return renderReply(query, query.code);
    if (query.edns !== undefined && query.edns > 0) return renderReply(query, responseCode.badVersion);
    if (query.class !== classInternet) return renderReply(query, responseCode.refused);
    try {
      const found = await look(options, told, query);
      if (found === undefined) return renderReply(query, responseCode.noName);
      const answers = found.filter(({ type }) => type === query.type || query.type === recordType.ANY);
      return renderReply(query, responseCode.noError, answers);
    } catch {
      return renderReply(query, responseCode.serverFailure);
    }
  };
};

const classInternet = 1;
/** Short, as the client sees it; a stand-in stays as long as it is not crowded out. */
const ttlSeconds = 60;
/** Names that were refused and told; the oldest is forgotten. */
const maxTold = 4096;

/** All records of a name; undefined if it does not exist. */
const look = async (
  options: AnswererOptions,
  told: Set<string>,
  { name }: DnsQuery,
): Promise<DnsAnswer[] | undefined> => {
  if (name === undefined || name === '') return undefined;
  const fixed = ownProperty(options.hosts, name) ?? (isLocalhost(name) ? ['127.0.0.1', '::1'] : undefined);
  if (fixed !== undefined) return fixed.map(addressRecord);
  if (name.endsWith('.arpa')) return pointer(options, name);
  if (await options.egress.knowsName(name)) return [addressRecord(options.standIns.addressOf(name))];
  await tell(options, told, name);
  return undefined;
};

/** RFC 6761, 6.3: these never leave the machine. */
const isLocalhost = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost');

const ownProperty = (record: AnswererOptions['hosts'], name: string): readonly string[] | undefined =>
  record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;

const pointer = ({ standIns }: AnswererOptions, name: string): DnsAnswer[] | undefined => {
  const address = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name)?.slice(1).reverse().join('.');
  const loopback = address === '127.0.0.1' || name === `1.${'0.'.repeat(31)}ip6.arpa`;
  const found = loopback ? 'localhost' : address && standIns.nameOf(address);
  return found ? [{ type: recordType.PTR, ttlSeconds, data: renderName(found) }] : undefined;
};

const addressRecord = (address: string): DnsAnswer =>
  isIPv4(address)
    ? { type: recordType.A, ttlSeconds, data: Buffer.from(address.split('.').map(Number)) }
    : { type: recordType.AAAA, ttlSeconds, data: addressBytes6(address) };

/** The sixteen bytes of an IPv6 address without an embedded IPv4 one. */
const addressBytes6 = (address: string): Buffer => {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
};

/** Tells a refused name once, unless a resolver made it up: a single label, or one below a search domain. */
const tell = async (
  { egress, onEvent, searchDomains = [] }: AnswererOptions,
  told: Set<string>,
  name: string,
): Promise<void> => {
  if (!name.includes('.') || told.has(name) || searchDomains.some((suffix) => name.endsWith(`.${suffix}`))) return;
  const [oldest] = told;
  if (told.size >= maxTold && oldest !== undefined) told.delete(oldest);
  told.add(name);
  const decision = await egress.decide({ host: name, port: 443, protocol: 'dns' });
  if (decision.verdict === 'deny') onEvent({ decision, startedMs: Date.now(), durationMs: 0, bytesOut: 0, bytesIn: 0 });
};
