import { parseAddress, renderAuthority } from './address.ts';
import type { CredentialSource } from './credential.ts';
import { parseAllowRule } from './egress-rule.ts';
import { parseHostName, quote } from './host.ts';
import { parseVariable, refuseOtherHome } from './names.ts';
import { isRefused, type Parsed } from './parsed.ts';

/** A source as a document writes it: one of `env`, `file` and `command`, and `keys` beside a file. */
export interface WrittenSource {
  readonly env?: string | undefined;
  readonly file?: string | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly command?: readonly string[] | undefined;
}

export const parseCredentialSource = ({ env, file, keys, command }: WrittenSource): Parsed<CredentialSource> => {
  const named = [env, file, command].filter((one) => one !== undefined).length;
  if (named !== 1)
    return {
      problem: named === 0 ? 'a source names nothing to look at' : 'a source names more than one thing to look at',
      hint: 'write one of "env", "file" and "command", and each source as an object of its own',
    };
  if (keys !== undefined && (file === undefined || keys.length === 0))
    return { problem: '"keys" tells where the value is in a "file"', hint: 'remove it, or name the keys: ["token"]' };
  if (env !== undefined) return { value: { kind: 'env', name: env } };
  return file === undefined ? parseCommand(command ?? []) : parseFile(file, keys);
};

const parseFile = (path: string, keys: readonly string[] | undefined): Parsed<CredentialSource> => {
  const other = refuseOtherHome(path);
  if (other !== undefined) return other;
  // below the workspace, the command could write it
  if (!/^(~?\/)/.test(path))
    return {
      problem: `${quote(path)} is not an absolute path`,
      hint: 'write "/path/to/it", or "~/..." for your own home',
    };
  return {
    value: keys === undefined ? { kind: 'file', path, format: 'text' } : { kind: 'file', path, format: 'json', keys },
  };
};

const parseCommand = (command: readonly string[]): Parsed<CredentialSource> => {
  const [program = ''] = command;
  if (program !== '' && (!program.includes('/') || program.startsWith('/')))
    return { value: { kind: 'command', command } };
  return { problem: `${quote(program)} is not a program`, hint: 'write its name, or its absolute path' };
};

/** A host of a written credential: an exact name or all below one; never an address, which no certificate can be made for here. */
export const parseCredentialHost = (text: string): Parsed<string> => {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (parseAddress(bare) !== undefined)
    return {
      problem: `${quote(text)} is an address, for which no certificate can be made here`,
      hint: `give it a name: "hosts": ["internal.test"], and in "network": "hosts": { "internal.test": "${renderAuthority(bare)}:443" }`,
    };
  if (!text.startsWith('*.')) return parseHostName(text);
  const rule = parseAllowRule(text);
  if (isRefused(rule)) return rule;
  const name = parseHostName(text.slice(2));
  return isRefused(name) ? name : { value: `*.${name.value}` };
};

/** The header for a secret: not one by which messages are delimited or routed. */
export const parseCredentialHeader = (text: string): Parsed<string> => {
  if (!token.test(text))
    return {
      problem: `${quote(text)} is not the name of a header`,
      hint: 'for example "x-api-key"; "scheme" is the word before the value',
    };
  if (!framing.test(text)) return { value: text.toLowerCase() };
  return {
    problem: `the header ${quote(text)} is not for a secret`,
    hint: 'name the one that the service reads its key from',
  };
};

/** The word before the secret in the header; nothing if empty. */
export const parseCredentialScheme = (text: string): Parsed<string> =>
  text === '' || token.test(text)
    ? { value: text }
    : { problem: `${quote(text)} is not one word`, hint: 'for example "Bearer"; a space follows it by itself' };

/** The variable inside that holds the placeholder. */
export const parseCredentialVariable = (name: string): Parsed<string> => {
  const variable = parseVariable(name);
  if (isRefused(variable) || !taken.test(name)) return variable;
  return {
    problem: `the variable "${name}" can't hold a placeholder: sbox sets it, or programs do what it says`,
    hint: 'name the one in which the tool looks for its key, for example "INTERNAL_TOKEN"',
  };
};

/** RFC 9110, 5.6.2 */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const framing =
  /^(host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|date|via|range|if-range|accept-encoding|proxy-.*|sec-.*|http2-settings)$/i;

const taken = new RegExp(
  `^(${[
    'PATH|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|TMPDIR|TERM|SBOX|IFS|PS[0-4]|CDPATH|RES_OPTIONS|NODE_USE_ENV_PROXY|.*_PROXY',
    'NODE_EXTRA_CA_CERTS|DENO_CERT|.*SSL_CERT_(FILE|DIR)|.*_CA_BUNDLE|PIP_CERT|GIT_.*|CARGO_HTTP_CAINFO|WGETRC|GRPC_DEFAULT_.*',
    'NPM_CONFIG_(PREFIX|CAFILE)|PIP_BREAK_SYSTEM_PACKAGES|LD_.*|NODE_(OPTIONS|PATH)|PYTHON.*|PERL5.*|RUBY(OPT|LIB)',
    'BASH_ENV|ENV|PROMPT_COMMAND|EDITOR|VISUAL|PAGER|BROWSER|(JAVA_TOOL|_JAVA|JDK_JAVA)_OPTIONS',
  ].join('|')})$`,
  'i',
);
