import { join } from 'node:path';
import type { ClientTools } from './client-tools.ts';
import type { FoundUrls } from './npm.ts';

/**
 * pip's indexes (pip's "Configuration" page): index-url and extra-index-url by pip's own precedence, environment over files, and
 * what pip's own code names if nothing else does. Files of the default index lie on a host of their own, which pip's code names too.
 */
export const resolvePip = async (tools: ClientTools): Promise<FoundUrls> => {
  const files = settingFiles(tools).map((file) => parseSettings(tools.read(file) ?? ''));
  const last = (key: string): readonly string[] | undefined => files.map((file) => file.get(key)).findLast(Boolean);
  const words = (name: string): readonly string[] | undefined => tools.env[name]?.split(/\s+/).filter(Boolean);
  const index = words('PIP_INDEX_URL') ?? last('index-url') ?? [];
  const extra = words('PIP_EXTRA_INDEX_URL') ?? last('extra-index-url') ?? [];
  const own = await askPip(tools);
  if (own === undefined) {
    if (index.length > 0) return { urls: [...index, ...extra] };
    return { urls: extra, problem: 'pip is not installed for python3, and no pip.conf of yours names an index' };
  }
  const indexes = index.length > 0 ? index : [own.index];
  const isDefault = [...indexes, ...extra].some((url) => hostOf(url) === hostOf(own.index));
  return { urls: [...indexes, ...extra, ...(isDefault ? [`https://${own.files}/`] : [])] };
};

/** Weakest first. `PIP_CONFIG_FILE` comes last, and /dev/null there switches all files off. */
const settingFiles = ({ env, home, etc }: ClientTools): readonly string[] => {
  const named = env['PIP_CONFIG_FILE'];
  if (named === '/dev/null') return [];
  const system = (env['XDG_CONFIG_DIRS'] || join(etc, 'xdg')).split(':').map((folder) => join(folder, 'pip/pip.conf'));
  const user = [join(home, '.pip/pip.conf'), join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'pip/pip.conf')];
  const site = env['VIRTUAL_ENV'] ? [join(env['VIRTUAL_ENV'], 'pip.conf')] : [];
  return [...system, join(etc, 'pip.conf'), ...user, ...site, ...(named ? [named] : [])].filter((path) =>
    path.startsWith('/'),
  );
};

/** Values of [global] and [install], words of each; a value may go on in indented lines (Python's configparser). */
const parseSettings = (text: string): ReadonlyMap<string, readonly string[]> => {
  const bySection = new Map<string, Map<string, string[]>>();
  let section = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const header = /^\[([^\]]+)\]/.exec(line)?.[1];
    const [, key, value] = /^([A-Za-z_-]+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (header !== undefined) {
      section = bySection.get(header) ?? new Map();
      bySection.set(header, section);
      current = undefined;
    } else if (key !== undefined && value !== undefined) {
      current = value.split(/\s+/).filter(Boolean);
      section.set(key.toLowerCase().replaceAll('_', '-'), current);
    } else if (/^\s/.test(line)) current?.push(...line.trim().split(/\s+/));
  }
  return new Map([...(bySection.get('global') ?? []), ...(bySection.get('install') ?? [])]);
};

/** The default index and the host of its files, as pip's code has them: no command of pip prints them. */
const askPip = async (tools: ClientTools): Promise<{ readonly index: string; readonly files: string } | undefined> => {
  const python = tools.find('python3');
  const code = 'from pip._internal.models.index import PyPI; print(PyPI.url, PyPI.file_storage_domain)';
  // -I: no module comes from the current folder, from PYTHONPATH or from HOME
  const said = python === undefined ? undefined : await tools.run(python, ['-I', '-c', code]);
  const [index, files, ...rest] = said?.trim().split(/\s+/) ?? [];
  if (index === undefined || files === undefined || rest.length > 0 || !URL.canParse(index)) return undefined;
  return { index, files };
};

const hostOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).host : undefined);
