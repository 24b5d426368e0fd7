import { join } from 'node:path';
import { type ClientTools, prefixOf } from './client-tools.ts';

/** URLs of a client's registries, and why some may be missing. */
export interface FoundUrls {
  readonly urls: readonly string[];
  readonly problem?: string;
}

/**
 * npm's registries (npm-config(7), npmrc(5)): the one for all packages by npm's own precedence (environment, the user's npmrc, the
 * global one, what npm itself says) and every one for a scope. No npmrc of a project is read.
 */
export const resolveNpm = async (tools: ClientTools): Promise<FoundUrls> => {
  const env = npmVariables(tools.env);
  const npm = tools.find('npm');
  const user = readSettings(env.get('userconfig') ?? join(tools.home, '.npmrc'), tools);
  const prefix = env.get('prefix') ?? user.get('prefix') ?? tools.env['PREFIX'] ?? (npm && prefixOf(npm));
  const globalFile = env.get('globalconfig') ?? user.get('globalconfig') ?? (prefix && join(prefix, 'etc/npmrc'));
  const global = globalFile === undefined ? new Map<string, string>() : readSettings(globalFile, tools);
  const layers = [env, user, global];
  const scoped = layers.flatMap((layer) => [...layer].filter(([key]) => /^@[^:]+:registry$/.test(key)));
  const scopes = scoped.map(([, url]) => url);
  const named = layers.map((layer) => layer.get('registry')).find((url) => url !== undefined && url !== '');
  if (named !== undefined) return { urls: [named, ...scopes] };
  if (npm === undefined)
    return { urls: scopes, problem: 'npm is not installed, and no npmrc of yours names a registry' };
  const said = (await tools.run(npm, ['config', 'get', 'registry']))?.trim();
  if (said !== undefined && URL.canParse(said)) return { urls: [said, ...scopes] };
  return { urls: scopes, problem: `"${npm} config get registry" gave no address` };
};

/** `npm_config_` variables in any case; npm takes `_` for `-` in them but in front. */
const npmVariables = (env: ClientTools['env']): Map<string, string> =>
  new Map(
    Object.entries(env).flatMap(([name, value]) => {
      const key = /^npm_config_(.+)$/i.exec(name)?.[1]?.toLowerCase();
      return key === undefined || value === undefined || value === '' ? [] : [[key, value] as const];
    }),
  );

/** The lines of an npmrc that tell where packages come from; keys that hold secrets are passed over. */
const readSettings = (path: string, tools: ClientTools): Map<string, string> => {
  const settings = new Map<string, string>();
  for (const line of (tools.read(path) ?? '').split(/\r?\n/)) {
    const [, key, value] = /^\s*(registry|prefix|globalconfig|@[^:=\s]+:registry)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined)
      settings.set(key, expand(value.replace(/^(["'])(.*)\1$/, '$2'), tools));
  }
  return settings;
};

/** `${NAME}` and `${NAME?}` (npmrc(5)), and `~/` in front of a path. */
const expand = (text: string, { env, home }: ClientTools): string =>
  text.replace(/\$\{([^}?]+)\??\}/g, (whole, name: string) => env[name] ?? whole).replace(/^~(?=\/)/, home);
