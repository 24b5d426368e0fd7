import { exitCode, SboxError } from '../domain/errors.ts';
import type { Invocation } from '../domain/invocation.ts';
import type { EgressRule, NetworkMode, NetworkPolicy } from '../domain/network.ts';
import type { Profile } from '../domain/profile.ts';
import { credentialRules, declaredCredentials } from './credentials.ts';

/** What the run may reach: the invocation's mode if it names one, and its rules behind the profile's. Throws an SboxError. */
export const planNetwork = (profile: Profile, invocation: Invocation): NetworkPolicy => {
  const { network: declared } = profile;
  const { network: mode = declared.mode, allow = [], deny = [], publish = [] } = invocation;
  // a profile may hold rules that a stronger one's mode sets aside; an option that does nothing is a mistake
  if (allow.length > 0 && (mode === 'none' || mode === 'host-only'))
    throw uselessAllow(allow, mode, invocation.network === undefined ? 'the profile sets' : '--net sets');
  if (publish.length > 0 && mode === 'full')
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: 'cannot publish ports with network mode "full"',
      cause: "the command shares the host's network: its servers are reached as they are",
      fix: 'leave --publish out',
      exitCode: exitCode.usage,
    });
  if (deny.length > 0 && mode === 'full')
    throw uselessDeny(deny, invocation.network === undefined ? 'the profile sets' : '--net sets');
  return {
    mode,
    allow: [...declared.allow, ...allow, ...credentialRules(declaredCredentials(profile, invocation))],
    deny: [...declared.deny, ...deny],
    hosts: declared.hosts,
    publish: [...declared.publish, ...publish],
  };
};

/** What documents deny and a stronger one's mode, or the invocation's, lets through. */
export const noteUndenied = ({ mode, deny }: NetworkPolicy): string[] =>
  mode === 'full' && deny.length > 0
    ? [`network mode "full" looks at nothing: not denied ${deny.length === 1 ? 'is' : 'are'} ${listed(deny)}`]
    : [];

const listed = (rules: readonly EgressRule[]): string =>
  rules.map(({ text, origin }) => `"${text}" (${origin})`).join(', ');

const uselessDeny = (deny: readonly EgressRule[], setter: string): SboxError =>
  new SboxError({
    code: 'SBOX_E_USAGE',
    message: `cannot deny ${deny.map(({ text }) => `"${text}"`).join(', ')} with network mode "full"`,
    cause: `${setter} that mode, in which nothing is looked at`,
    fix: 'leave --deny out, or name what may be reached: --net limited --allow HOST',
    exitCode: exitCode.usage,
  });

const uselessAllow = (allow: readonly EgressRule[], mode: NetworkMode, setter: string): SboxError =>
  new SboxError({
    code: 'SBOX_E_USAGE',
    message: `cannot allow ${allow.map(({ text }) => `"${text}"`).join(', ')} with network mode "${mode}"`,
    cause: `${setter} that mode, which reaches ${mode === 'none' ? 'nothing' : 'this machine only'}`,
    // a shell takes brackets and stars for patterns
    fix: `--net limited ${allow.map(({ text }) => `--allow ${/^[\w.:-]+$/.test(text) ? text : `'${text}'`}`).join(' ')}`,
    exitCode: exitCode.usage,
  });
