import type { EgressEvent } from '../domain/decision.ts';
import type { EgressPolicy } from '../domain/network.ts';
import { type EgressOptions, openEgress } from './open.ts';
import { openProxy } from './proxy/proxy.ts';
import { tokenUser } from './proxy/token.ts';
import type { SplicerOptions } from './splice/splicer.ts';

/** A proxy for clients that heed proxy variables, where nothing leads the others to it. */
export interface AdvisoryProxy extends AsyncDisposable {
  /** with the token that tells this sandbox from other programs of the host */
  readonly url: string;
}

export interface AdvisoryOptions extends EgressOptions {
  readonly policy: EgressPolicy;
  readonly onEvent: (event: EgressEvent) => void;
  readonly splicing: SplicerOptions;
}

/** Opens it at a port of loopback. Throws SBOX_E_SETUP. */
export const openAdvisoryProxy = async ({
  policy,
  onEvent,
  splicing,
  ...options
}: AdvisoryOptions): Promise<AdvisoryProxy> => {
  const { randomBytes } = await import('node:crypto');
  const token = randomBytes(24).toString('base64url');
  const proxy = await openProxy({ egress: openEgress(policy, options), onEvent, token, splicing });
  return {
    url: `http://${tokenUser}:${token}@127.0.0.1:${proxy.port}`,
    [Symbol.asyncDispose]: () => proxy.close(),
  };
};
