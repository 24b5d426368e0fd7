import type { Binding } from '../domain/credential.ts';
import type { BoundHost, Injection, RequestHead, TokenExchange } from '../domain/injection.ts';
import { admitRequest, isSessionHeader } from './admit.ts';
import { type Automaton, buildAutomaton, search } from './automaton.ts';
import { pairEncodings } from './encodings.ts';
import { openExchange } from './exchange.ts';
import { openFrameTextScan, openFrameTextScrubber } from './frames.ts';
import { covers, usesAt } from './hosts.ts';
import { openTextScrubber, scrubBytes } from './scrub.ts';
import type { TokenStore } from './token-store.ts';

export interface InjectionOptions {
  readonly bindings: readonly Binding[];
  /** logins whose tokens are renewed while the sandbox runs */
  readonly tokens?: readonly TokenStore[];
}

/** The rules of one run: what may go where, what must not come back. */
export const openInjection = ({ bindings, tokens = [] }: InjectionOptions): Injection => {
  const tables = openTables(() => [...bindings, ...tokens.flatMap((store) => store.bindings())]);
  // at once, while the command is still starting: a few milliseconds that no request has to wait for
  tables();
  const holds = (text: string): boolean => contains(tables().seek, Buffer.from(text, 'latin1'));
  const scrub = (bytes: Buffer): Buffer => scrubBytes(tables().scrub, bytes);
  const scrubText = (text: string): string => scrub(Buffer.from(text, 'latin1')).toString('latin1');
  return {
    hosts: [...new Set(boundHosts(tables().bindings, tokens))].sort(),
    isBound: (host, port) =>
      usesAt(tables().bindings, { host, port }).length > 0 || findStore(tokens, { host, port }) !== undefined,
    admit: (request, destination) => {
      for (const store of tokens) store.refresh();
      const admitted = admitRequest(request, destination, tables().bindings, holds);
      const renews = findStore(tokens, destination, pathOf(request)) !== undefined;
      return renews && admitted.kind === 'admitted' ? { ...admitted, body: 'exchange' } : admitted;
    },
    exchange: (request, destination) => exchangeAt(request, destination, tokens, holds, scrub),
    holdsPlaceholder: (bytes) => contains(tables().seek, bytes),
    openScan: () => {
      const { seek } = tables();
      let state = 0;
      return {
        found: (bytes) => {
          const result = search(seek, bytes, state);
          state = result.state;
          return result.found;
        },
      };
    },
    openScrubber: () => openTextScrubber(tables().scrub),
    openFrameScan: () => openFrameTextScan(tables().seek),
    openFrameScrubber: () => openFrameTextScrubber(tables().scrub),
    scrubHeader: (name, value) => (isSessionHeader(name) ? undefined : [scrubText(name), scrubText(value)]),
  };
};

interface Tables {
  readonly bindings: readonly Binding[];
  /** finds placeholders */
  readonly seek: Automaton;
  /** replaces secrets by placeholders */
  readonly scrub: Automaton;
}

/** Built again when the bindings have changed. */
const openTables = (current: () => readonly Binding[]): (() => Tables) => {
  let built: Tables | undefined;
  return () => {
    const bindings = current();
    const same = built?.bindings.length === bindings.length && built.bindings.every((old, i) => old === bindings[i]);
    if (built !== undefined && same) return built;
    const pairs = (from: (binding: Binding) => string, to: (binding: Binding) => string) =>
      bindings.flatMap((binding) => pairEncodings(from(binding), to(binding)));
    const secretOf = ({ secret }: Binding): string => secret.reveal();
    const placeholderOf = ({ placeholder }: Binding): string => placeholder;
    built = {
      bindings,
      seek: buildAutomaton(pairs(placeholderOf, secretOf)),
      scrub: buildAutomaton(pairs(secretOf, placeholderOf)),
    };
    return built;
  };
};

const contains = (automaton: Automaton, bytes: Buffer): boolean => search(automaton, bytes, 0).found;

const boundHosts = (bindings: readonly Binding[], tokens: readonly TokenStore[]): string[] => [
  ...bindings.flatMap(({ uses }) => uses.flatMap((use) => use.hosts)),
  ...tokens.flatMap(({ definition }) => definition.endpoint.hosts),
];

const pathOf = ({ target }: RequestHead): string => target.split('?', 1)[0] ?? '';

const findStore = (tokens: readonly TokenStore[], destination: BoundHost, path?: string): TokenStore | undefined =>
  tokens.find(
    ({ definition: { endpoint } }) =>
      covers({ hosts: endpoint.hosts, placements: [] }, destination) && (path === undefined || path === endpoint.path),
  );

const exchangeAt = (
  request: RequestHead,
  destination: BoundHost,
  tokens: readonly TokenStore[],
  holds: (text: string) => boolean,
  scrub: (bytes: Buffer) => Buffer,
): TokenExchange => {
  const store = findStore(tokens, destination, pathOf(request));
  if (store !== undefined) return openExchange(store, holds, scrub);
  throw new Error(`no login is renewed at ${destination.host}`);
};
