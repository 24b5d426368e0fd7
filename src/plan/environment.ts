import type { Facts } from '../domain/facts.ts';
import type { Invocation } from '../domain/invocation.ts';
import type { NetworkMode } from '../domain/network.ts';
import { isWithin, normalizePath } from '../domain/path.ts';
import type { Mechanism, PlannedMount } from '../domain/plan.ts';
import type { Profile } from '../domain/profile.ts';
import { proxyAddress, proxyPort, unservedProxy } from '../domain/stand-ins.ts';
import type { Layout } from './layout.ts';

/**
 * Variables that change what a program loads or runs. A pattern never takes them over; the operator may still name one in full,
 * or set it.
 */
const neverByPattern =
  /^(LD_|DYLD_|GLIBC_|MALLOC_|NODE_|BASH_ENV|ENV$|IFS$|PS4$|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|PYTHON|PERL5|PERLLIB|RUBY|GIT_|JAVA_TOOL|_JAVA|JDK_|GCONV_PATH|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|TMPDIR|HOME$|PATH$|XDG_|ZDOTDIR|BASH_FUNC_|LESSOPEN|LESSCLOSE|LUA_INIT|DOTNET_STARTUP|OPENSSL_CONF|OPENSSL_MODULES|CLASSPATH|SSLKEYLOGFILE)/;

export interface PlannedEnvironment {
  readonly env: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

export interface EnvironmentQuestion {
  readonly profile: Profile;
  readonly invocation: Invocation;
  readonly facts: Facts;
  readonly shell: string;
  readonly mounts: readonly PlannedMount[];
  readonly layout: Layout;
  /** the sandbox's */
  readonly name: string;
  readonly mechanism: Mechanism;
  readonly mode: NetworkMode;
  /** whether connections are decided on in the launcher */
  readonly broker: boolean;
  /** whether the session names certificates of its own */
  readonly trusts: boolean;
}

/** The whole environment of the command, sorted by name: fixed, then passed, then set by profiles, then by the invocation. */
export const planEnvironment = (question: EnvironmentQuestion): PlannedEnvironment => {
  const { profile, invocation, facts, shell, mounts, layout, name, mechanism, mode, broker, trusts } = question;
  const visible = planVisible(profile.env.passIfVisible, facts, mounts);
  const env: Record<string, string> = {
    ...planFixed(facts, shell, layout, name),
    ...planToolHomes(facts, layout),
    ...visible.env,
    ...facts.registries,
    ...planPassed(profile.env.pass, facts.env),
    ...planPassed(invocation.pass, facts.env),
    ...planWithoutRoot(mechanism),
    ...planProxies(mechanism, mode, broker),
    ...profile.env.set,
    ...invocation.set,
  };
  const missing = [...profile.env.pass, ...invocation.pass].filter(
    (wanted) => !wanted.endsWith('*') && invocation.pass.includes(wanted) && facts.env[wanted] === undefined,
  );
  return {
    env: Object.fromEntries(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))),
    notes: [
      ...visible.notes.filter((note) => !trusts || !ownTrust.test(note)),
      ...missing.map((wanted) => `${wanted} is not set outside, so it is not set inside`),
    ],
  };
};

/** Variables that lead to the operator's certificates and the run's own, where there are credentials (egress/tls/trust-variables.ts). */
const ownTrust =
  /^(NODE_EXTRA_CA_CERTS|DENO_CERT|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|PIP_CERT|CURL_CA_BUNDLE|GIT_SSL_CAINFO|CARGO_HTTP_CAINFO|AWS_CA_BUNDLE|NIX_SSL_CERT_FILE|npm_config_cafile) /;

/** Without a root of its own, files that are not shown are closed, not absent, and git takes that for an error (git(1)). */
const planWithoutRoot = ({ kind }: Mechanism): Record<string, string> =>
  kind === 'landlock' ? { GIT_CONFIG_NOSYSTEM: '1' } : {};

/**
 * The proxy's address for clients that heed it; the others get the same by their connections alone, but for the portable rung, where
 * nothing keeps the network away from them.
 */
const planProxies = (mechanism: Mechanism, mode: NetworkMode, broker: boolean): Record<string, string> => {
  if (mode === 'full') return {};
  if (mechanism.kind === 'portable') return proxyVariables(unservedProxy);
  if (!broker || mode === 'none') return {};
  return {
    ...proxyVariables(`http://${proxyAddress}:${proxyPort}`),
    // glibc then asks over TCP: datagrams can't carry the name server's address there (resolv.conf(5))
    ...(mechanism.kind === 'landlock' && { RES_OPTIONS: 'use-vc' }),
  };
};

const proxyVariables = (url: string): Record<string, string> => {
  const names = ['http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
  const own = 'localhost,127.0.0.1,::1';
  return {
    NODE_USE_ENV_PROXY: '1',
    NO_PROXY: own,
    no_proxy: own,
    ...Object.fromEntries(names.map((name) => [name, url])),
  };
};

const planFixed = (facts: Facts, shell: string, layout: Layout, name: string): Record<string, string> => {
  const { home } = layout;
  return {
    HOME: home,
    USER: facts.user.name,
    LOGNAME: facts.user.name,
    SHELL: shell,
    PATH: planPath(facts, layout).join(':'),
    PWD: facts.cwd,
    TMPDIR: layout.temporary,
    SBOX: name,
    // what npm and pip install globally goes into HOME (npm-config(7), pip's PIP_ variables, PEP 668)
    npm_config_prefix: `${home}/.local`,
    PYTHONUSERBASE: `${home}/.local`,
    PIP_BREAK_SYSTEM_PACKAGES: '1',
  };
};

/** Folders in HOME where version managers keep what their programs on PATH start, and the variables that say so. */
const toolHomes = {
  RUSTUP_HOME: '.rustup',
  PYENV_ROOT: '.pyenv',
  VOLTA_HOME: '.volta',
  ASDF_DATA_DIR: '.asdf',
  MISE_DATA_DIR: '.local/share/mise',
} as const;

/** Where HOME is another folder inside, version managers are told that what they keep is where it was. */
const planToolHomes = ({ home, tools }: Facts, layout: Layout): Record<string, string> =>
  layout.home === home
    ? {}
    : Object.fromEntries(
        Object.entries(toolHomes)
          .map(([name, folder]) => [name, normalizePath(`${home}/${folder}`)])
          .filter(([, path]) => tools.toolchains.some(({ root }) => root === path)),
      );

/** The sandbox's own programs first, then what is visible of the operator's PATH, then the system's. */
const planPath = (facts: Facts, { home, tools }: Layout): string[] => {
  const onlyLinks = facts.tools.path.length === 1 && facts.tools.path[0] === 'links';
  const path = facts.tools.path.map((entry) => (entry === 'links' ? tools : entry));
  if (onlyLinks) return path;
  const system = ['/usr/local/bin', '/usr/bin', '/bin'];
  return [...new Set([`${home}/.local/bin`, ...path, ...system])];
};

const planPassed = (names: readonly string[], outside: Facts['env']): Record<string, string> => {
  const passed: Record<string, string> = {};
  for (const name of names) {
    for (const [key, value] of Object.entries(outside)) if (matches(name, key)) passed[key] = value;
  }
  return passed;
};

const matches = (wanted: string, name: string): boolean =>
  wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) && !neverByPattern.test(name) : name === wanted;

/** Variables that name a file or folder: passed if that is visible inside. */
const planVisible = (
  names: readonly string[],
  facts: Facts,
  mounts: readonly PlannedMount[],
): { env: Record<string, string>; notes: string[] } => {
  const env: Record<string, string> = {};
  const notes: string[] = [];
  for (const name of names) {
    const value = facts.env[name];
    if (value === undefined || value === '') continue;
    if (isVisible(value, facts, mounts)) env[name] = value;
    else if (/CA|CERT|SSL/i.test(name))
      notes.push(`${name} is not passed: "${value}" is not visible inside; --mount "${value}" shows it`);
  }
  return { env, notes };
};

const isVisible = (value: string, facts: Facts, mounts: readonly PlannedMount[]): boolean => {
  if (!value.startsWith('/')) return false;
  const path = normalizePath(value);
  const fact = facts.paths[path];
  if (fact === undefined || fact.kind === 'missing') return false;
  // of two mounts around a path the inner one shows
  const shown = (place: string) => {
    const around = mounts.filter((mount) => isWithin(place, mount.target) && mount.kind !== 'dir');
    const inner = around.reduce<PlannedMount | undefined>(
      (best, mount) => (best && best.target.length >= mount.target.length ? best : mount),
      undefined,
    );
    return (inner?.kind === 'bind' || inner?.kind === 'copy') && inner.target === inner.source;
  };
  return shown(path) && shown(fact.real);
};
