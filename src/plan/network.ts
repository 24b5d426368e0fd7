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
  return {
    mode,
    allow: [...declared.allow, ...allow, ...credentialRules(declaredCredentials(profile, invocation))],
    deny: [...declared.deny, ...deny],
    hosts: declared.hosts,
    publish: [...declared.publish, ...publish],
  };
};

const uselessAllow = (allow: readonly EgressRule[], mode: NetworkMode, setter: string): SboxError =>
  new SboxError({
    code: 'SBOX_E_USAGE',
    message: `cannot allow ${allow.map(({ text }) => `"${text}"`).join(', ')} with network mode "${mode}"`,
    cause: `${setter} that mode, which reaches ${mode === 'none' ? 'nothing' : 'this machine only'}`,
    // a shell takes brackets and stars for patterns
    fix: `--net limited ${allow.map(({ text }) => `--allow ${/^[\w.:-]+$/.test(text) ? text : `'${text}'`}`).join(' ')}`,
    exitCode: exitCode.usage,
  });
