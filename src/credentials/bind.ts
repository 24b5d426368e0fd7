import type { Binding, CredentialUse, Provider, RegistryHosts, Secret } from '../domain/credential.ts';
import type { RegistryClient } from '../domain/network.ts';
import { isRefused, type Parsed } from '../domain/parsed.ts';
import type { StandFor } from './placeholders.ts';

/** A provider's secret with its placeholder, bound to the provider's hosts. */
export const parseBinding = (
  provider: Provider,
  secret: Secret,
  standFor: StandFor,
  registries: RegistryHosts = {},
): Parsed<Binding> => {
  const placeholder = standFor(provider.name, secret.reveal());
  if (isRefused(placeholder)) return placeholder;
  const uses = provider.uses.map((use) => resolveHosts(use, registries)).filter(({ hosts }) => hosts.length > 0);
  return { value: { provider: provider.name, secret, placeholder: placeholder.value, uses } };
};

/** `registry:npm` becomes the hosts that the user's client configuration names; without one it becomes none. */
export const resolveHosts = (use: CredentialUse, registries: RegistryHosts): CredentialUse => {
  const ports = new Set(use.ports ?? [443]);
  const hosts = use.hosts.flatMap((host) => {
    if (!host.startsWith('registry:')) return [host.toLowerCase()];
    const named = registries[host.slice('registry:'.length) as RegistryClient] ?? [];
    for (const { port = 443 } of named) ports.add(port);
    return named.map((registry) => registry.host.toLowerCase());
  });
  return { ...use, hosts, ports: [...ports] };
};
