import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Injection } from '../domain/injection.ts';
import { baseOf, isWithin } from '../domain/path.ts';
import type { Plan } from '../domain/plan.ts';
import { ensurePrivateFolder } from '../state/write-atomically.ts';
import { writableFolders } from './writable.ts';

type OperatorEnv = Readonly<Record<string, string | undefined>>;

/** The authority of a run, what real servers are verified against, and the variables by which clients inside find what to trust. */
export const openTrust = async (
  plan: Plan,
  { hosts }: Injection,
  env: OperatorEnv,
  onProblem: (sentence: string) => void,
) => {
  const tls = await import('../egress/tls/index.ts');
  const { source, inside } = plan.trust ?? { source: '', inside: '' };
  const authority = tls.openAuthority({ hosts });
  const upstreamCa = await readOwn(plan, env, onProblem);
  const system = tls.systemBundles.map(readText).find((text) => text !== undefined) ?? '';
  // Node adds what is in this file to its own list; the operator's may name a company's authority already
  const extra = upstreamCa?.get('NODE_EXTRA_CA_CERTS') ?? '';
  const own = [...(upstreamCa?.values() ?? [])];
  const bundle = tls.renderBundle([system, ...own, authority.certificatePem]);
  const place = (name: string): string => `${inside}/${name}`;
  const keyStore = showsJava(plan) ? { keyStore: place('authorities.p12') } : {};
  const files = {
    authority: place('authority.pem'),
    bundle: place('bundle.pem'),
    wgetrc: place('wgetrc'),
    ...keyStore,
  };
  const write = (path: string, content: string | Buffer): void =>
    writeFileSync(join(source, baseOf(path)), content, { mode: 0o600, flag: 'wx' });
  ensurePrivateFolder(source);
  write(files.authority, tls.renderBundle([extra, authority.certificatePem]));
  write(files.bundle, bundle);
  write(files.wgetrc, tls.renderWgetrc(files.bundle));
  return {
    authority,
    systemCa: () => system,
    ...(upstreamCa && { upstreamCa: own }),
    variables: tls.planTrustVariables(files, plan.env),
    // 20 ms, in which the command can start: Java takes longer until it opens a connection
    complete: () => {
      if (files.keyStore === undefined) return;
      try {
        write(files.keyStore, tls.renderKeyStore(tls.certificatesOf(bundle)));
      } catch (error) {
        onProblem(
          `Java inside trusts no server: its key store can't be written: ${(error as NodeJS.ErrnoException).code}`,
        );
      }
    },
  };
};

/** Whether the command finds a Java; one that a variable names is the operator's. */
const showsJava = ({ env, mounts }: Plan): boolean =>
  env['JAVA_HOME'] !== undefined ||
  mounts.some(({ kind, target }) => kind === 'link' && baseOf(target) === 'java') ||
  (env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, 'java')));

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
