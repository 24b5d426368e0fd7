import { parseAddress, renderAuthority } from './address.ts';
import type { Decision, DecisionReason, EgressEvent } from './decision.ts';
import { printable } from './printable.ts';

/** One name that was refused, at one port and for one reason. */
export interface Refusal {
  readonly host: string;
  /** absent if it was refused while it was looked up, before a port was known */
  readonly port?: number;
  readonly reason: DecisionReason;
  readonly count: number;
  readonly fix?: string;
}

/** Allowed places that could not be reached, all for one reason. */
export interface Failure {
  /** `host:port`, in the order of their first failure */
  readonly places: readonly string[];
  readonly message: string;
}

/** The refused names of a run, and what it could not reach. */
export interface Refusals {
  /** in the order of their first refusal */
  readonly names: readonly Refusal[];
  /** refusals of names that there was no room for */
  readonly others: number;
  readonly failures: readonly Failure[];
}

/** No refusals yet. */
export const noRefusals: Refusals = { names: [], others: 0, failures: [] };

/** The most names that are remembered: a client may ask for a million. */
export const mostRefusals = 200;

/** The refusals with one event more; what was reached changes nothing. */
export const addRefusal = (refusals: Refusals, { decision, message }: EgressEvent): Refusals => {
  if (decision.verdict === 'allow') return message === undefined ? refusals : addFailure(refusals, decision, message);
  const host = decision.host.slice(0, 255);
  const port = decision.protocol === 'dns' ? undefined : decision.port;
  const index = refusals.names.findIndex(
    (known) => known.host === host && known.port === port && known.reason === decision.reason,
  );
  const known = refusals.names[index];
  if (known !== undefined)
    return { ...refusals, names: refusals.names.with(index, { ...known, count: known.count + 1 }) };
  if (refusals.names.length >= mostRefusals) return { ...refusals, others: refusals.others + 1 };
  const added: Refusal = {
    host,
    ...(port !== undefined && { port }),
    reason: decision.reason,
    count: 1,
    ...(decision.fix !== undefined && { fix: decision.fix }),
  };
  return { ...refusals, names: [...refusals.names, added] };
};

const addFailure = (refusals: Refusals, { host, port }: Decision, message: string): Refusals => {
  const { failures } = refusals;
  const place = showPlace(host.slice(0, 255), port);
  const index = failures.findIndex((known) => known.message === message);
  const places = failures[index]?.places ?? [];
  if (places.includes(place) || places.length >= mostRefusals) return refusals;
  const failure: Failure = { places: [...places, place], message };
  if (index >= 0) return { ...refusals, failures: failures.with(index, failure) };
  return failures.length >= mostRefusals ? refusals : { ...refusals, failures: [...failures, failure] };
};

/**
 * Without those of loopback at a port where a server inside was reached: a client that had asked before that was up, or at the other of
 * the two addresses, had no port of the host's in mind.
 */
export const withoutOwn = (refusals: Refusals, servers: ReadonlySet<number>): Refusals => ({
  ...refusals,
  names: refusals.names.filter(({ host, port }) => !(port !== undefined && servers.has(port) && isLocal(host))),
});

const isLocal = (host: string): boolean => /^(localhost|127\.[0-9.]+|::1)$/.test(host);

/** At most `most` lines for a person at the end of a run: what could not be reached, then the refused names, the most frequent first. */
export const renderRefusals = ({ names, others, failures }: Refusals, most = 10): string[] => {
  const failed = renderFailures(failures, Math.max(most - names.length, most / 2));
  return [...failed, ...renderNames(names, others, most - failed.length)];
};

const renderFailures = (failures: readonly Failure[], most: number): string[] => {
  const shown = failures.length <= most ? failures : failures.slice(0, most - 1);
  const lines = shown.map(({ places: [first = '', ...more], message }) => {
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    return `could not reach ${first}${others}: ${printable(message)}`;
  });
  const left = failures.length - shown.length;
  return left === 0 ? lines : [...lines, `could not reach hosts for ${left} more reasons: sbox log`];
};

const renderNames = (names: readonly Refusal[], others: number, most: number): string[] => {
  const sorted = names.toSorted((a, b) => b.count - a.count);
  const shown = sorted.length <= most && others === 0 ? sorted : sorted.slice(0, most - 1);
  const left = sorted.slice(shown.length).reduce((sum, { count }) => sum + count, others);
  const lines = shown.map(renderRefusal);
  return left === 0
    ? lines
    : [...lines, `refused ${left} more ${left === 1 ? 'request' : 'requests'}: sbox log --denied`];
};

const renderRefusal = ({ host, port, reason, count, fix }: Refusal): string => {
  const times = count === 1 ? '' : `, ${count} times`;
  const advice = fix === undefined ? '' : `: ${printable(fix)}`;
  return `refused ${showPlace(host, port)} (${reasonWords[reason]}${times})${advice}`;
};

const showPlace = (host: string, port: number | undefined): string => {
  const name = parseAddress(host) === undefined ? printable(host, 100) || '""' : renderAuthority(host);
  return `${name}${port === undefined ? '' : `:${port}`}`;
};

/** Why, for a person. */
export const reasonWords: Readonly<Record<DecisionReason, string>> = {
  allowed: 'allowed',
  'not-allowed': 'not allowed',
  denied: 'denied by a rule',
  mode: 'not in this network mode',
  malformed: 'not a valid name',
  'address-not-allowed': 'an address that is not allowed',
  'address-forbidden': 'it leads to a forbidden address',
  'name-mismatch': 'another name inside the connection',
  placeholder: 'the placeholder of a credential was sent there',
  unfinished: 'it began like HTTP or TLS, and nothing more came',
  protocol: 'a protocol that never leaves',
};
