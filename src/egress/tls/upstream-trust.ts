import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { certificatesOf } from './trust-variables.ts';

/** What real servers are verified against: at first Node's list and what the operator's environment adds, then the system's list, too. */
export interface UpstreamTrust {
  readonly context: () => SecureContext;
  /** another one for a server whose authority is not in `failed`; undefined if there is none */
  readonly after: (failed: SecureContext) => SecureContext | undefined;
}

/**
 * `own`: PEM texts of the operator's environment; absent, Node's default list is taken, which is the fastest. `system` reads the system's list, in which an
 * administrator may have put a company's authority: it takes 40 ms more to parse, so only a server that needs it waits for that, once.
 */
export const openUpstreamTrust = (own: readonly string[] | undefined, system: () => string): UpstreamTrust => {
  let context = makeContext(own);
  let widened = false;
  return {
    context: () => context,
    after: (failed) => {
      if (failed !== context) return context;
      const added = widened ? [] : certificatesOf(system());
      widened = true;
      if (added.length === 0) return undefined;
      context = makeContext([...(own ?? []), ...added]);
      return context;
    },
  };
};

const makeContext = (own: readonly string[] | undefined): SecureContext =>
  createSecureContext({ minVersion: 'TLSv1.2', ...(own && { ca: [...rootCertificates, ...own] }) });
