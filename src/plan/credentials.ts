import type { DeclaredCredential } from '../domain/credential.ts';
import { parseAllowRule } from '../domain/egress-rule.ts';
import { exitCode, SboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { Invocation } from '../domain/invocation.ts';
import type { EgressRule, NetworkPolicy } from '../domain/network.ts';
import { isRefused } from '../domain/parsed.ts';
import type { Mechanism, Plan } from '../domain/plan.ts';
import type { Profile } from '../domain/profile.ts';

interface Surroundings {
  readonly network: NetworkPolicy;
  readonly mechanism: Mechanism;
  readonly broker: boolean;
}

/** The credentials of a run; none where nothing leaves. Throws SBOX_E_CREDENTIAL where they could not be kept outside. */
export const planCredentials = (
  profile: Profile,
  invocation: Invocation,
  { network: { mode }, mechanism, broker }: Surroundings,
): readonly DeclaredCredential[] => {
  const declared = declaredCredentials(profile, invocation);
  if (declared.length === 0 || mode === 'none' || mode === 'host-only') return [];
  if (mode !== 'full' && broker) return declared;
  throw new SboxError({
    code: 'SBOX_E_CREDENTIAL',
    message: `cannot keep ${declared.map(({ provider }) => `"${provider.name}"`).join(', ')} outside`,
    cause:
      mode === 'full'
        ? "with network mode full, connections don't pass sbox's proxy, which would swap the placeholder for it"
        : `the ${mechanism.kind} rung can't lead connections to sbox's proxy here; sbox doctor says why`,
    fix:
      mode === 'full'
        ? '--net limited, with --allow for every other host'
        : 'leave them out, or let the command see the real ones: --env NAME',
    exitCode: exitCode.usage,
  });
};

/** Those of the profile, and those that an option names. */
export const declaredCredentials = (profile: Profile, invocation: Invocation): readonly DeclaredCredential[] => [
  ...new Map(
    [...profile.credentials, ...(invocation.credentials ?? [])].map((credential) => [
      credential.provider.name,
      credential,
    ]),
  ).values(),
];

/** Rules that let a credential reach its own hosts. */
export const credentialRules = (declared: readonly DeclaredCredential[]): readonly EgressRule[] =>
  declared.flatMap(({ provider, logins }) => {
    const uses = [...provider.uses, ...logins.flatMap(({ tokens }) => tokens.flatMap((token) => token.uses))];
    const hosts = uses.flatMap((use) => use.hosts.flatMap((host) => textsOf(host, use.ports)));
    return [...new Set(hosts)].flatMap((text): EgressRule[] => {
      const rule = parseAllowRule(text);
      return isRefused(rule) ? [] : [{ text, origin: `credential "${provider.name}"`, ...rule.value }];
    });
  });

const textsOf = (host: string, ports: readonly number[] = [443]): string[] =>
  host.startsWith('registry:') ? [host] : ports.map((port) => `${host}:${port}`);

/** Where the certificates of a run lie, and where they are seen. */
export const planTrust = (mechanism: Mechanism, facts: Facts): NonNullable<Plan['trust']> => {
  const source = `${facts.runFolder}/trust`;
  return { source, inside: mechanism.kind === 'namespaces' ? '/sbox/trust' : source };
};
