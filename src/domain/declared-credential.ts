import type { DeclaredCredential, Placement, Presentation, Provider } from './credential.ts';
import { parseCredentialSource, type WrittenSource } from './credential-grammar.ts';
import { parseWord } from './names.ts';
import { isRefused, type Parsed } from './parsed.ts';
import { providers } from './providers.ts';
import { tokenDocuments } from './token-documents.ts';

/** A credential as a document writes it, beside a name alone: a provider of its own, or a known one found elsewhere. */
export interface WrittenCredential {
  readonly name: string;
  readonly sources?: readonly WrittenSource[] | undefined;
  /** the variable inside that holds the placeholder */
  readonly env?: string | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly port?: number | undefined;
  readonly header?: string | undefined;
  readonly scheme?: string | undefined;
}

/** The client's own logins that stand in for a key. */
const loginsOf: Readonly<Record<string, readonly string[]>> = {
  anthropic: ['claude-login'],
  openai: ['codex-login'],
  google: ['gemini-login'],
};

/** A name of a provider that sbox knows. */
export const parseCredentialName = (name: string): Parsed<Omit<DeclaredCredential, 'origin'>> => {
  const known = parseWord(name, names, 'a credential');
  if (isRefused(known)) return known;
  const provider = providers.find((candidate) => candidate.name === name) as Provider;
  const logins = tokenDocuments.filter((login) => loginsOf[name]?.includes(login.provider));
  return { value: { provider, logins } };
};

const names: readonly string[] = providers.map(({ name }) => name);

/** A written credential: what it leaves out comes from the known provider of that name. */
export const parseWrittenCredential = (written: WrittenCredential): Parsed<Omit<DeclaredCredential, 'origin'>> => {
  const { name, hosts, env } = written;
  const wrong = checkWritten(written);
  if (wrong !== undefined) return wrong;
  const known = providers.find((candidate) => candidate.name === name);
  if (known === undefined && (hosts === undefined || env === undefined || written.sources === undefined)) {
    const missing = ['sources', 'env', 'hosts'].filter((key) => written[key as keyof WrittenCredential] === undefined);
    return {
      problem: `the credential "${name}" is not one that sbox knows, and lacks ${missing.map((key) => `"${key}"`).join(', ')}`,
      hint: `add them, or name one of ${names.map((word) => `"${word}"`).join(', ')}`,
    };
  }
  const present: readonly Presentation[] = env === undefined ? (known?.present ?? []) : [{ kind: 'env', name: env }];
  const ports = written.port === undefined ? {} : { ports: [written.port] };
  const uses = hosts === undefined ? (known?.uses ?? []) : [{ hosts, ...ports, placements: [placementOf(written)] }];
  const sources =
    written.sources === undefined
      ? (known?.sources ?? [])
      : written.sources.map((source) => certain(parseCredentialSource(source)));
  const fix = known?.fix ?? 'see "sources" of that credential in the profile';
  const description = known?.description ?? 'a credential of the profile';
  return { value: { provider: { name, description, sources, present, uses, fix }, logins: [] } };
};

const placementOf = ({ header = 'authorization', scheme }: WrittenCredential): Placement => {
  const word = scheme ?? (header.toLowerCase() === 'authorization' ? 'Bearer' : undefined);
  if (word?.toLowerCase() === 'basic') return { kind: 'basic' };
  return { kind: 'header', header: header.toLowerCase(), ...(word !== undefined && word !== '' && { scheme: word }) };
};

const checkWritten = ({ sources, hosts, header, scheme }: WrittenCredential) => {
  const hint = 'name one, or leave the key out for a credential that sbox knows';
  if (sources?.length === 0) return { problem: '"sources" is empty: there is nowhere to look for it', hint };
  if (hosts?.length === 0) return { problem: '"hosts" is empty: there is nowhere that it may go', hint };
  if (scheme?.toLowerCase() !== 'basic' || (header ?? 'authorization').toLowerCase() === 'authorization')
    return undefined;
  return { problem: `"Basic" goes into "authorization", not into "${header}"`, hint: 'remove "header", or "scheme"' };
};

const certain = <T>(parsed: Parsed<T>): T => {
  if (isRefused(parsed)) throw new Error(`a checked credential holds a wrong value: ${parsed.problem}`);
  return parsed.value;
};
