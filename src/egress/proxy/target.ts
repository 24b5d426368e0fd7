import type { IncomingMessage } from 'node:http';
import type { Decision } from '../../domain/decision.ts';
import {
  type Authority,
  isPlainAddress,
  isSameHost,
  parseAbsoluteForm,
  parseAuthority,
  renderHost,
} from './authority.ts';
import { framingOf, valuesOf } from './fields.ts';
import { type Answer, badRequest, nameMismatch } from './refusal.ts';
import type { Served } from './served.ts';

/** Where one request goes. */
export interface Target {
  readonly kind: 'target';
  readonly decision: Decision;
  readonly path: string;
  /** the value of the Host header that goes out */
  readonly hostField: string;
}

export type NoTarget =
  | { readonly kind: 'bad'; readonly answer: Answer }
  | { readonly kind: 'denied'; readonly decision: Decision };

type Head = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders' | 'httpVersion'>;

/** Reads a request's target, and decides about it: to a proxy in absolute form, to the one host of `origin` in either. */
export const findTarget = async (
  served: Served,
  head: Head,
  origin: Decision | undefined,
): Promise<Target | NoTarget> => {
  const hosts = valuesOf(head.rawHeaders, 'host');
  if (hosts.length > 1) return bad('the request has more than one Host header');
  if (hosts.length === 0 && head.httpVersion === '1.1') return bad('the request has no Host header');
  if (framingOf(head.rawHeaders) === 'unknown') return bad('the request does not tell plainly where its body ends');
  return origin === undefined ? proxied(served, head, hosts[0]) : direct(head, hosts[0], origin);
};

const bad = (sentence: string): NoTarget => ({ kind: 'bad', answer: badRequest(sentence) });

const proxied = async (
  served: Served,
  { method, url = '' }: Head,
  host: string | undefined,
): Promise<Target | NoTarget> => {
  const target = parseAbsoluteForm(url);
  if (target === undefined) return bad('this is a proxy: ask with CONNECT, or for an http:// URL without a user name');
  const decision = await served.egress.decide({ host: target.host, port: target.port, protocol: 'http' });
  if (decision.verdict === 'deny') return { kind: 'denied', decision };
  if (host !== undefined && !isSame(parseAuthority(host, 80), target)) return mismatch(decision, host);
  const path = method === 'OPTIONS' && /^http:\/\/[^/?]*$/i.test(url) ? '*' : target.path;
  return { kind: 'target', decision, path, hostField: renderHost(decision) };
};

const direct = ({ method, url = '' }: Head, host: string | undefined, decision: Decision): Target | NoTarget => {
  const isPath = url.startsWith('/') || (url === '*' && method === 'OPTIONS');
  const target = isPath ? undefined : parseAbsoluteForm(url);
  if (!isPath && target === undefined) return bad('the target of the request is no path');
  const hostField = isPlainAddress(decision.host) && host !== undefined ? host : renderHost(decision);
  const path = target?.path ?? url;
  if (isPlainAddress(decision.host)) return { kind: 'target', decision, path, hostField };
  if (target !== undefined && !isSame(target, decision)) return mismatch(decision, target.host);
  if (host !== undefined && !isSame(parseAuthority(host, decision.port), decision)) return mismatch(decision, host);
  return { kind: 'target', decision, path, hostField };
};

const isSame = (a: Authority | undefined, b: Authority): boolean =>
  a !== undefined && isSameHost(a.host, b.host) && a.port === b.port;

const mismatch = (decision: Decision, host: string): NoTarget => ({
  kind: 'denied',
  decision: nameMismatch(decision, 'Host header', host),
});
