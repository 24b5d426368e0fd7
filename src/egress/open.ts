import { networkInterfaces } from 'node:os';
import type { Decision, EgressRequest } from '../domain/decision.ts';
import { type Host, parseHost } from '../domain/host.ts';
import type { EgressPolicy, RegistryClient } from '../domain/network.ts';
import { isRefused } from '../domain/parsed.ts';
import { type Connect, connectTo } from './connect.ts';
import { decide, decideName } from './decide.ts';
import { type DialTools, dialAllowed } from './dial.ts';
import type { Dialled, Egress } from './egress.ts';
import { type CompiledPolicy, compilePolicy, parseAddresses, registriesIn } from './policy.ts';
import type { ResolvedRegistry } from './registry/resolve.ts';
import { type Lookup, shareLookups, systemLookup } from './resolve.ts';

export interface EgressOptions {
  /** the operator's environment: the proxy that leads out and the package clients are found in it */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** the operator's */
  readonly home: string;
  /** real paths of folders that the command can write to: no package client and no settings of one are taken from there */
  readonly untrusted: readonly string[];
  readonly lookup?: Lookup;
  /** addresses of this machine's interfaces */
  readonly ownAddresses?: () => readonly string[];
  /** certificates (PEM) beside Node's own that may vouch for an https:// proxy of the operator's */
  readonly extraCa?: readonly string[];
  readonly resolveRegistry?: (client: RegistryClient) => Promise<ResolvedRegistry>;
  readonly connect?: Connect;
  /** from the decision to the connection, with resolving; 30 s if absent */
  readonly connectTimeoutMs?: number;
  /** before the next address of a name is tried beside one that has not answered; 250 ms if absent (RFC 8305, section 8) */
  readonly attemptDelayMs?: number;
}

/** The way out under this policy. Opens nothing by itself; the sockets that it gives belong to the caller. */
export const openEgress = (policy: EgressPolicy, options: EgressOptions): Egress => {
  const tools = toolsFrom(options);
  const base = compilePolicy(policy);
  const full = onceAsked(() => compileWithRegistries(policy, options));
  const tokens = { allow: registriesIn(policy.allow).length > 0, deny: registriesIn(policy.deny).length > 0 };
  const judge = async (request: EgressRequest): Promise<Judged> => {
    const own = policy.mode === 'host-only' ? tools.own() : [];
    const first = decide(base, request, { own });
    const isOpen = first.reason === 'not-allowed' || first.reason === 'address-not-allowed';
    if (!(tokens.allow && isOpen) && !(tokens.deny && first.verdict === 'allow'))
      return { decision: first, policy: base };
    const compiled = await full();
    return { decision: decide(compiled, request, { own }), policy: compiled };
  };
  return {
    decide: async (request) => (await judge(request)).decision,
    knowsName: async (name) => {
      const known = decideName(base, name);
      return (known ? tokens.deny : tokens.allow) ? decideName(await full(), name) : known;
    },
    dial: async (request) => await dial(await judge(request), request, tools),
  };
};

interface Judged {
  readonly decision: Decision;
  readonly policy: CompiledPolicy;
}

const dial = async ({ decision, policy }: Judged, request: EgressRequest, tools: DialTools): Promise<Dialled> => {
  if (decision.verdict === 'deny') return { kind: 'denied', decision };
  try {
    const host = certain(decision.host);
    const asked = { host, shown: decision.host, port: decision.port, request };
    return await dialAllowed({ asked, decision, policy }, tools);
  } catch (error) {
    const { code = 'EIO', message } = error as NodeJS.ErrnoException;
    return { kind: 'failed', decision, code, message };
  }
};

/** What was matched is what is dialled: the host is read from the decision, not from the request. */
const certain = (text: string): Host => {
  const host = parseHost(text);
  if (isRefused(host)) throw new Error(`a decision allows ${host.problem}`);
  return host.value;
};

const toolsFrom = (options: EgressOptions): DialTools => ({
  env: options.env,
  lookup: shareLookups(options.lookup ?? systemLookup),
  own: () => parseAddresses((options.ownAddresses ?? addressesOfInterfaces)()),
  connect: options.connect ?? connectTo,
  ...(options.extraCa && { extraCa: options.extraCa }),
  connectTimeoutMs: options.connectTimeoutMs ?? 30_000,
  attemptDelayMs: options.attemptDelayMs ?? 250,
});

const addressesOfInterfaces = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((entries) => entries?.map(({ address }) => address) ?? []);

/** Asked at the first need and remembered: a package client takes its time to answer. */
const compileWithRegistries = async (policy: EgressPolicy, options: EgressOptions): Promise<CompiledPolicy> => {
  const resolve = options.resolveRegistry ?? ((client) => findRegistry(client, options));
  const clients = [...new Set([...registriesIn(policy.allow), ...registriesIn(policy.deny)])];
  const found = await Promise.all(
    clients.map(async (client) => [client, await resolve(client).catch(unresolved)] as const),
  );
  return compilePolicy(policy, Object.fromEntries(found));
};

const findRegistry = async (client: RegistryClient, options: EgressOptions): Promise<ResolvedRegistry> => {
  const { resolveRegistry } = await import('./registry/resolve.ts');
  return resolveRegistry(client, options);
};

const unresolved = (error: unknown): ResolvedRegistry => ({
  hosts: [],
  problem: `the registry can't be found: ${error instanceof Error ? error.message : String(error)}`,
});

const onceAsked = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
