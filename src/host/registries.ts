import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RegistryClient } from '../domain/network.ts';

/** Where each client's setting stands, and the variable that tells the client inside the same. */
const settings = {
  npm: { variable: 'npm_config_registry', file: '.npmrc', line: /^\s*registry\s*=\s*["']?([^"'\s]+)/m },
  pip: { variable: 'PIP_INDEX_URL', file: '.config/pip/pip.conf', line: /^\s*index[-_]url\s*[=:]\s*(\S+)/m },
} as const satisfies Record<RegistryClient, object>;

/**
 * Variables that lead the clients inside to the registries that the operator's own settings name, such as a company's mirror. An address
 * that holds a password is left out: it would be in reach of the command.
 */
export const probeRegistries = (
  clients: readonly RegistryClient[],
  env: Readonly<Record<string, string>>,
  home: string,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    clients.flatMap((client) => {
      const { variable, file, line } = settings[client];
      const url = env[variable] ?? line.exec(readText(join(home, file)))?.[1];
      return url !== undefined && isPlain(url) ? [[variable, url]] : [];
    }),
  );

const isPlain = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { username, password, protocol } = new URL(text);
  return username === '' && password === '' && /^https?:$/.test(protocol);
};

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // no such settings
  }
};
