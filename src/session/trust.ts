import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Injection } from '../domain/injection.ts';
import { isWithin } from '../domain/path.ts';
import type { Plan } from '../domain/plan.ts';
import { ensurePrivateFolder, writeAtomically } from '../state/write-atomically.ts';
import { writableFolders } from './writable.ts';

type OperatorEnv = Readonly<Record<string, string | undefined>>;

/** The authority of a run, what real servers are verified against, and the variables by which clients inside find what to trust. */
export const openTrust = async (
  plan: Plan,
  { hosts }: Injection,
  env: OperatorEnv,
  onProblem: (sentence: string) => void,
) => {
  const { openAuthority, planTrustVariables, renderBundle, systemBundles } = await import('../egress/tls/index.ts');
  const { source, inside } = plan.trust ?? { source: '', inside: '' };
  const authority = openAuthority({ hosts });
  const upstreamCa = await readOwn(plan, env, onProblem);
  const system = systemBundles.map(readText).find((text) => text !== undefined) ?? '';
  ensurePrivateFolder(source);
  // Node adds what is in this file to its own list; the operator's may name a company's authority already
  const extra = upstreamCa?.get('NODE_EXTRA_CA_CERTS') ?? '';
  const own = [...(upstreamCa?.values() ?? [])];
  writeAtomically(join(source, 'authority.pem'), renderBundle([extra, authority.certificatePem]));
  writeAtomically(join(source, 'bundle.pem'), renderBundle([system, ...own, authority.certificatePem]));
  const files = { authority: `${inside}/authority.pem`, bundle: `${inside}/bundle.pem` };
  return {
    authority,
    systemCa: () => system,
    ...(upstreamCa && { upstreamCa: own }),
    variables: planTrustVariables(files, plan.env),
  };
};

/** The certificates that variables of the operator's name: whoever can write them could stand for every host. Undefined if none is set. */
const readOwn = async (
  plan: Plan,
  env: OperatorEnv,
  onProblem: (sentence: string) => void,
): Promise<ReadonlyMap<string, string> | undefined> => {
  const { operatorCaVariables } = await import('../egress/tls/index.ts');
  const named = operatorCaVariables.filter((name) => env[name]);
  if (named.length === 0) return undefined;
  const folders = writableFolders(plan);
  const texts = named.flatMap((name): [string, string][] => {
    const path = env[name] ?? '';
    const text = readText(path);
    if (text === undefined) return [];
    if (!folders.some((folder) => isWithin(realpathSync.native(path), folder))) return [[name, text]];
    onProblem(`the certificates in "${path}" (${name}) are not trusted: the command can write to that file`);
    return [];
  });
  return new Map(texts);
};

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // not there
  }
};
