import type { CredentialSource } from '../domain/credential.ts';
import { keysOf } from './json-keys.ts';

type FileSource = Extract<CredentialSource, { kind: 'file' }>;

/** What a source may ask for beyond its file: the hosts of the provider, and the environment for `${NAME}` in an npmrc. */
export interface FormatQuestion {
  readonly hosts: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The value that a file holds for a source, or undefined; a file of another form holds none. */
export const parseSource = (text: string, source: FileSource, question: FormatQuestion): string | undefined => {
  switch (source.format) {
    case 'text':
      return nonEmpty(text.trim());
    case 'json':
      return nonEmpty(keysOf(parseJson(text), source.keys));
    case 'ini':
      return nonEmpty(parseIni(text, source.section, source.key));
    case 'npmrc':
      return nonEmpty(parseNpmrc(text, question));
    case 'netrc':
      return nonEmpty(parseNetrc(text, question.hosts));
  }
};

const nonEmpty = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const lines = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[#;]/.test(line));

const parseIni = (text: string, section: string, key: string): string | undefined => {
  let current = '';
  for (const line of lines(text)) {
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    if (header !== undefined) current = header;
    const [, name, value] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (current === section && name === key) return value;
  }
  return undefined;
};

/** `//HOST/PATH/:_authToken=VALUE` (npmrc(5)), the first of one of the hosts. */
const parseNpmrc = (text: string, { hosts, env }: FormatQuestion): string | undefined => {
  for (const line of lines(text)) {
    const [, host = '', value] = /^\/\/([^/:]+)(?::\d+)?(?:\/.*)?:_authToken\s*=\s*(.*)$/.exec(line) ?? [];
    if (value === undefined || !hosts.includes(host.toLowerCase())) continue;
    return value.replace(/^"(.*)"$/, '$1').replace(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? '');
  }
  return undefined;
};

/** The password of the first entry for one of the hosts (netrc(5)); `default` is for any host and so for none. */
const parseNetrc = (text: string, hosts: readonly string[]): string | undefined => {
  const words = lines(text).join(' ').split(/\s+/);
  let machine = '';
  for (let index = 0; index < words.length; index++) {
    if (words[index] === 'machine') machine = words[++index]?.toLowerCase() ?? '';
    else if (words[index] === 'default') machine = '';
    else if (words[index] === 'password' && hosts.includes(machine)) return words[index + 1];
  }
  return undefined;
};
