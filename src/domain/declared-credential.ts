import type { CredentialSource, DeclaredCredential, Placement, Presentation, Provider } from './credential.ts';
import { parseHostName } from './host.ts';
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

export type WrittenSource =
  | { readonly env: string }
  | { readonly file: string; readonly keys?: readonly string[] | undefined }
  | { readonly command: readonly string[] };

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

/** A host of a written credential: an exact name or all below one; never an address, which no certificate can be made for here. */
export const parseCredentialHost = (text: string): Parsed<string> => {
  const name = parseHostName(text.startsWith('*.') ? text.slice(2) : text);
  return isRefused(name) ? name : { value: text.startsWith('*.') ? `*.${name.value}` : name.value };
};

/** A written credential: what it leaves out comes from the known provider of that name. */
export const parseWrittenCredential = (written: WrittenCredential): Parsed<Omit<DeclaredCredential, 'origin'>> => {
  const { name, hosts, env } = written;
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
  const sources = written.sources === undefined ? (known?.sources ?? []) : written.sources.map(sourceOf);
  const fix = known?.fix ?? 'see "sources" of that credential in the profile';
  const description = known?.description ?? 'a credential of the profile';
  return { value: { provider: { name, description, sources, present, uses, fix }, logins: [] } };
};

const placementOf = ({ header = 'authorization', scheme }: WrittenCredential): Placement => {
  const word = scheme ?? (header.toLowerCase() === 'authorization' ? 'Bearer' : undefined);
  if (word?.toLowerCase() === 'basic') return { kind: 'basic' };
  return { kind: 'header', header: header.toLowerCase(), ...(word !== undefined && word !== '' && { scheme: word }) };
};

const sourceOf = (written: WrittenSource): CredentialSource => {
  if ('env' in written) return { kind: 'env', name: written.env };
  if ('command' in written) return { kind: 'command', command: written.command };
  const { file: path, keys } = written;
  return keys === undefined ? { kind: 'file', path, format: 'text' } : { kind: 'file', path, format: 'json', keys };
};
