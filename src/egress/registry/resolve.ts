import type { RegistryClient } from '../../domain/network.ts';
import { openClientTools, type RegistryOptions } from './client-tools.ts';
import { resolveNpm } from './npm.ts';
import { resolvePip } from './pip.ts';

/** The hosts that a client's settings name, and why there may be fewer than it uses. */
export interface ResolvedRegistry {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** one clause, with what to do about it */
  readonly problem?: string;
}

/** What the operator's own client would install from, as its settings outside say: never those in a folder that the command can write to. Never rejects. */
export const resolveRegistry = async (client: RegistryClient, options: RegistryOptions): Promise<ResolvedRegistry> => {
  const tools = openClientTools(options);
  const found = client === 'npm' ? await resolveNpm(tools) : await resolvePip(tools);
  const hosts = new Map(found.urls.flatMap(parseUrl).map((place) => [`${place.host}:${place.port}`, place]));
  if (found.problem === undefined) return { hosts: [...hosts.values()] };
  const nothing = hosts.size === 0 ? 'names no host' : 'may name too few hosts';
  const advice = `install it, or name the hosts: --allow HOST`;
  return { hosts: [...hosts.values()], problem: `registry:${client} ${nothing}: ${found.problem} (${advice})` };
};

const parseUrl = (text: string): { readonly host: string; readonly port: number }[] => {
  if (!URL.canParse(text)) return [];
  const { protocol, hostname, port } = new URL(text);
  const usual = protocol === 'https:' ? 443 : protocol === 'http:' ? 80 : undefined;
  if (usual === undefined || hostname === '') return [];
  return [{ host: hostname, port: port === '' ? usual : Number(port) }];
};
