import type { KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Issuer, makeKeyPair, renderAuthority, renderLeaf, renderPem, type Validity } from './certificate.ts';

/** The certificate authority of one run. Its key never leaves the memory of this process. */
export interface Authority {
  /** what clients inside have to trust */
  readonly certificatePem: string;
  readonly certificate: Buffer;
  /** what a server of this name presents; made at the first use, and again before it expires */
  readonly contextFor: (host: string) => SecureContext;
}

export interface AuthorityOptions {
  /** the names that it may sign for: exact, or `*.example.com` */
  readonly hosts: readonly string[];
  readonly nowMs?: () => number;
}

export const openAuthority = ({ hosts, nowMs = Date.now }: AuthorityOptions): Authority => {
  const issuer: Issuer = { name: 'sbox session authority', keys: makeKeyPair() };
  // clocks differ by up to a day; a run may last as long as its longest time limit, 24 days
  const validity = { fromMs: nowMs() - day, untilMs: nowMs() + 30 * day };
  const certificate = renderAuthority(issuer.name, issuer.keys, hosts, validity);
  // one key serves all leaves: who has it has this process
  const { publicKey, privateKey } = makeKeyPair();
  const leaves = new Map<string, Leaf>();
  const contextFor = (host: string): SecureContext => {
    const known = leaves.get(host);
    if (known !== undefined && known.validity.untilMs - nowMs() > day) return known.context;
    const leaf = makeLeaf(host, publicKey, privateKey, issuer, leafValidity(nowMs(), validity));
    if (leaves.size >= mostLeaves) leaves.clear();
    leaves.set(host, leaf);
    return leaf.context;
  };
  return { certificate, certificatePem: renderPem(certificate), contextFor };
};

interface Leaf {
  readonly context: SecureContext;
  readonly validity: Validity;
}

const day = 24 * 3600 * 1000;
/** a binding of `*.example.com` lets a client ask for any number of names */
const mostLeaves = 1000;

const leafValidity = (now: number, { untilMs }: Validity): Validity => ({
  fromMs: now - day,
  untilMs: Math.min(now + 4 * day, untilMs),
});

const makeLeaf = (
  host: string,
  publicKey: KeyObject,
  privateKey: KeyObject,
  issuer: Issuer,
  validity: Validity,
): Leaf => {
  const context = createSecureContext({
    cert: renderPem(renderLeaf(host, publicKey, issuer, validity)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    minVersion: 'TLSv1.2',
    // no client certificates are asked for; without this Node parses its list of roots
    ca: [],
  });
  return { context, validity };
};
