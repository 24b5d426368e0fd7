import { type Address, parseAddress } from '../domain/address.ts';
import type { Decision } from '../domain/decision.ts';
import { classifyAddress } from './address-class.ts';
import type { Asked } from './asked.ts';
import { type Connect, type Connected, connectFirst, type Target } from './connect.ts';
import { deny, denyingRule } from './decide.ts';
import type { Dialled } from './egress.ts';
import type { CompiledPolicy } from './policy.ts';
import { checkAddresses, type Lookup } from './resolve.ts';
import { explainDenied, explainForbidden, fixFor, sourceOf } from './sentences.ts';
import { findUpstream, type Upstream } from './upstream.ts';

/** What dialling needs of the machine. */
export interface DialTools {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly lookup: Lookup;
  readonly own: () => readonly Address[];
  readonly connect: Connect;
  readonly extraCa?: readonly string[];
  readonly connectTimeoutMs: number;
  readonly attemptDelayMs: number;
}

/** A request that was allowed by its host, in canonical form. */
export interface AllowedRequest {
  readonly asked: Asked;
  readonly decision: Decision;
  readonly policy: CompiledPolicy;
}

/** Finds the addresses of an allowed request, checks them, and connects to one of them, within the time-out. */
export const dialAllowed = async (request: AllowedRequest, tools: DialTools): Promise<Dialled> => {
  const expiry = new AbortController();
  const timer = setTimeout(() => expiry.abort(), tools.connectTimeoutMs);
  try {
    const route = await findRoute(request, tools, expiry.signal);
    if ('kind' in route) return route;
    const decision = route.upstream === undefined ? request.decision : noteUpstream(request.decision, route.upstream);
    return { ...(await follow(route, request.asked, tools, expiry.signal)), decision };
  } finally {
    clearTimeout(timer);
  }
};

/** Checked addresses to try in order, or the operator's proxy with its own. */
interface Route {
  readonly targets: readonly Target[];
  readonly upstream?: Upstream;
}

const findRoute = async (request: AllowedRequest, tools: DialTools, signal: AbortSignal): Promise<Route | Dialled> => {
  const { asked, decision, policy } = request;
  const { host, port } = asked;
  const mapped = host.kind === 'name' ? policy.hosts.get(host.name) : undefined;
  // the operator has said where the name leads
  if (mapped) return { targets: [{ address: mapped.address, port: mapped.port ?? port }] };
  if (isLocalhost(asked, policy)) return routeToLocalhost(request);
  const upstream = isOwn(asked, tools) ? 'direct' : findUpstream(tools.env, asked.shown, port);
  if (typeof upstream === 'object' && 'problem' in upstream)
    return { kind: 'failed', decision, code: 'EPROTONOSUPPORT', message: upstream.problem };
  if (upstream !== 'direct') return await routeThrough(upstream, decision, tools, signal);
  return host.kind === 'address'
    ? { targets: [{ address: host.text, port }] }
    : await resolveName(request, tools, signal);
};

const isOwn = ({ host }: Asked, tools: DialTools): boolean =>
  host.kind === 'address' && classifyAddress(host.address, tools.own()) === 'own';

const localhostAddresses: readonly string[] = ['127.0.0.1', '::1'];

/** The name, or one of its addresses where the name is listed: a client that looked it up can't see at which of the two the server is. */
const isLocalhost = ({ host, port }: Asked, policy: CompiledPolicy): boolean => {
  if (host.kind === 'name') return host.name === 'localhost';
  const listed = policy.mode === 'host-only' || policy.allow.localhost.some((rule) => rule.port === port);
  return listed && localhostAddresses.includes(host.text);
};

/** RFC 6761, 6.3: localhost is loopback, whatever a name server says. */
const routeToLocalhost = ({ asked, policy }: AllowedRequest): Route | Dialled => {
  const first = asked.host.kind === 'address' ? [asked.host.text] : [];
  const texts = [...new Set([...first, ...localhostAddresses])];
  const denying = texts.map((text) => {
    const address = parseAddress(text);
    return address === undefined ? undefined : denyingRule(policy, address, asked.port);
  });
  const open = texts.filter((_, index) => denying[index] === undefined);
  if (open.length > 0) return { targets: open.map((address) => ({ address, port: asked.port })) };
  const rule = denying.find((found) => found !== undefined);
  const sentence = rule ? explainDenied(rule, asked) : '';
  return { kind: 'denied', decision: { ...deny(asked, 'denied', sentence), ...(rule && { source: sourceOf(rule) }) } };
};

const resolveName = async (
  { asked, decision, policy }: AllowedRequest,
  tools: DialTools,
  signal: AbortSignal,
): Promise<Route | Dialled> => {
  const { shown: name, port } = asked;
  const found = await resolve(name, tools.lookup, signal);
  if ('code' in found) return { kind: 'failed', decision, ...found };
  const checked = checkAddresses(found.addresses, { name, port }, policy, tools.own());
  if (checked.kind === 'denied') {
    const refused = deny(asked, 'denied', explainDenied(checked.rule, asked));
    return { kind: 'denied', decision: { ...refused, source: sourceOf(checked.rule) } };
  }
  if (checked.kind === 'addresses') return { targets: checked.addresses.map((address) => ({ address, port })) };
  const { address, class: kind } = checked;
  const fix = parseAddress(address) && fixFor({ shown: address, port }, policy.mode);
  return { kind: 'denied', decision: deny(asked, 'address-forbidden', explainForbidden(asked, address, kind), fix) };
};

const routeThrough = async (
  upstream: Upstream,
  decision: Decision,
  tools: DialTools,
  signal: AbortSignal,
): Promise<Route | Dialled> => {
  // the operator named the proxy: wherever it is, it may be used
  const found = parseAddress(upstream.host)
    ? { addresses: [upstream.host] }
    : await resolve(upstream.host, tools.lookup, signal);
  if ('code' in found)
    return { kind: 'failed', decision, code: found.code, message: `the proxy ${upstream.shown}: ${found.message}` };
  return { upstream, targets: found.addresses.map((address) => ({ address, port: upstream.port })) };
};

const follow = async (route: Route, asked: Asked, tools: DialTools, signal: AbortSignal): Promise<Connected> => {
  const { connect, attemptDelayMs, extraCa } = tools;
  const connected = await connectFirst(route.targets, { connect, attemptDelayMs, signal });
  const { upstream } = route;
  if (upstream === undefined) return connected;
  if (connected.kind === 'failed')
    return { ...connected, message: `the proxy ${upstream.shown}: ${connected.message}` };
  const { shown: host, port } = asked;
  // node:tls takes its time to load, and most hosts have no proxy
  const { openTunnel } = await import('./tunnel.ts');
  return await openTunnel(connected.socket, { upstream, host, port, signal, ...(extraCa && { extraCa }) });
};

type Resolved = { readonly addresses: readonly string[] } | { readonly code: string; readonly message: string };

/** getaddrinfo(3) can't be interrupted: what comes after the time-out is dropped. */
const resolve = async (name: string, lookup: Lookup, signal: AbortSignal): Promise<Resolved> => {
  const failed = (code: string): Resolved => ({ code, message: `${name} can't be resolved: ${code}` });
  const expired = new Promise<'expired'>((done) => {
    if (signal.aborted) done('expired');
    signal.addEventListener('abort', () => done('expired'), { once: true });
  });
  try {
    const addresses = await Promise.race([lookup(name), expired]);
    if (addresses === 'expired') return failed('ETIMEDOUT');
    return addresses.length === 0 ? failed('ENOTFOUND') : { addresses };
  } catch (error) {
    return failed((error as NodeJS.ErrnoException).code ?? 'EAI_FAIL');
  }
};

/** The proxy resolves the name, so what it stands for was not checked here. */
const noteUpstream = (decision: Decision, upstream: Upstream): Decision => ({
  ...decision,
  sentence: `${decision.sentence}; resolved and reached by the proxy ${upstream.shown}`,
});
