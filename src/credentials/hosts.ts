import type { Binding, CredentialUse } from '../domain/credential.ts';
import type { BoundHost } from '../domain/injection.ts';

/** Whether a use covers a destination: `*.example.com` covers what lies below, an exact name only itself. */
export const covers = ({ hosts, ports = [443] }: CredentialUse, { host, port }: BoundHost): boolean =>
  ports.includes(port) && hosts.some((pattern) => matches(pattern, host.toLowerCase()));

/** All uses of all bindings at a destination, each with its binding. */
export const usesAt = (
  bindings: readonly Binding[],
  destination: BoundHost,
): readonly { readonly binding: Binding; readonly use: CredentialUse }[] =>
  bindings.flatMap((binding) =>
    binding.uses.filter((use) => covers(use, destination)).map((use) => ({ binding, use })),
  );

const matches = (pattern: string, host: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1 : pattern === host;
