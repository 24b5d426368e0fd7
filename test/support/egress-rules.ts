import { parseAllowRule, parseDenyRule } from '../../src/domain/egress-rule.ts';
import type { EgressPolicy, EgressRule, HostTarget, NetworkMode } from '../../src/domain/network.ts';
import { isRefused } from '../../src/domain/parsed.ts';

/** Rules as `--allow` takes them. */
export const allowing = (...texts: readonly string[]): EgressRule[] => rules('--allow', texts, parseAllowRule);
/** Rules as `--deny` takes them. */
export const denying = (...texts: readonly string[]): EgressRule[] => rules('--deny', texts, parseDenyRule);

/** A policy of these rules; mode limited unless said otherwise. */
export const aPolicy = ({
  mode = 'limited',
  allow = [],
  deny = [],
  hosts = {},
}: {
  readonly mode?: NetworkMode;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly hosts?: Readonly<Record<string, HostTarget>>;
} = {}): EgressPolicy => ({ mode, allow: allowing(...allow), deny: denying(...deny), hosts });

const rules = (origin: string, texts: readonly string[], parse: typeof parseAllowRule): EgressRule[] =>
  texts.map((text) => {
    const parsed = parse(text);
    if (isRefused(parsed)) throw new Error(parsed.problem);
    return { text, origin, ...parsed.value };
  });
