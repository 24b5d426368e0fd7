import type { Binding, Provider } from '../domain/credential.ts';

/** What the sandbox shows of credentials: variables, and files below HOME with their whole content. */
export interface Presented {
  readonly env: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

/** Where tools inside find the placeholders. `gitConfigs` counts the entries of git's configuration that variables already set. */
export const planPresented = (
  entries: readonly { readonly provider: Provider; readonly binding: Binding }[],
  gitConfigs = 0,
): Presented => {
  const env: Record<string, string> = {};
  const files: Record<string, string> = {};
  let configs = gitConfigs;
  const append = (path: string, line: string): void => {
    files[path] = `${files[path] ?? ''}${line}\n`;
  };
  for (const { provider, binding } of entries) {
    const { placeholder } = binding;
    const hosts = binding.uses.flatMap((use) => use.hosts.map((host) => ({ host, ports: use.ports ?? [443] })));
    for (const shown of provider.present) {
      if (shown.kind === 'env')
        env[shown.name] = (shown.value ?? '{placeholder}').replace('{placeholder}', placeholder);
      else if (shown.kind === 'git') {
        const basic = Buffer.from(`${shown.login}:${placeholder}`).toString('base64');
        for (const host of shown.hosts) {
          env[`GIT_CONFIG_KEY_${configs}`] = `http.https://${host}/.extraHeader`;
          env[`GIT_CONFIG_VALUE_${configs++}`] = `Authorization: Basic ${basic}`;
        }
        env['GIT_CONFIG_COUNT'] = String(configs);
      } else if (shown.kind === 'npmrc') for (const place of hosts) append('.npmrc', renderNpmrc(place, placeholder));
      else
        for (const { host } of hosts) append('.netrc', `machine ${host} login ${shown.login} password ${placeholder}`);
    }
  }
  return { env, files };
};

const renderNpmrc = ({ host, ports }: { host: string; ports: readonly number[] }, placeholder: string): string => {
  const port = ports.find((number) => number !== 443);
  return `//${host}${port === undefined ? '' : `:${port}`}/:_authToken=${placeholder}`;
};
