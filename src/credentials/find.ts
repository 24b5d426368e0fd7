import type { CredentialSource, FoundCredential, Provider, RegistryHosts } from '../domain/credential.ts';
import { Secret } from '../domain/credential.ts';
import { resolveHosts } from './bind.ts';
import { readFileOf } from './read-file.ts';
import type { CommandRunner } from './run-command.ts';
import { parseSource } from './source-formats.ts';

export interface CredentialQuestion {
  /** the operator's, outside */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly runCommand: CommandRunner;
  /** what `registry:npm` and `registry:pip` stand for */
  readonly registries?: RegistryHosts;
}

/** The first of a provider's sources that has a value. Nothing that it returns shows the value when printed. */
export const findCredential = async (provider: Provider, question: CredentialQuestion): Promise<FoundCredential> => {
  const looked: string[] = [];
  for (const source of provider.sources) {
    const read = await readSource(source, provider, question);
    const name = describeSource(source);
    if ('value' in read) return { kind: 'found', secret: new Secret(read.value), source: name };
    looked.push(`${name}: ${read.lack}`);
  }
  return { kind: 'missing', looked, fix: provider.fix };
};

/** How a message names a source. */
const describeSource = (source: CredentialSource): string => {
  switch (source.kind) {
    case 'env':
      return `the variable ${source.name}`;
    case 'file':
      return source.format === 'json' ? `"${source.path}" (${source.keys.join('.')})` : `"${source.path}"`;
    case 'command':
      return `the command "${source.command.join(' ')}"`;
  }
};

type Read = { readonly value: string } | { readonly lack: string };

const readSource = async (
  source: CredentialSource,
  provider: Provider,
  question: CredentialQuestion,
): Promise<Read> => {
  const { env, home, runCommand } = question;
  if (source.kind === 'env') {
    const value = env[source.name]?.trim() ?? '';
    return value === '' ? { lack: 'not set' } : { value };
  }
  if (source.kind === 'command') return runCommand(source.command, source.timeoutMs ?? defaultTimeoutMs);
  const text = await readFileOf(source.path.replace(/^~(?=\/)/, home));
  if ('lack' in text) return text;
  const hosts = provider.uses.flatMap((use) => resolveHosts(use, question.registries ?? {}).hosts);
  const value = parseSource(text.value, source, { hosts, env });
  return value === undefined ? { lack: 'holds none' } : { value };
};

const defaultTimeoutMs = 10_000;
