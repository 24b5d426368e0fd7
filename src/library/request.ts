import { resolve } from 'node:path';
import { exitCode, SboxError } from '../domain/errors.ts';
import { parseWord } from '../domain/names.ts';
import { isRefused } from '../domain/parsed.ts';
import { rungNames } from '../domain/rung.ts';
import { findPlaces, findWorkspace, realPath } from '../session/places.ts';
import type { RunRequest } from '../session/request.ts';
import { type Policy, policyOf, type SandboxConfig } from './config.ts';
import { findSurroundings } from './surroundings.ts';

/** The request that a configuration makes. Throws an SboxError. */
export const renderRequest = (config: SandboxConfig): RunRequest => {
  assertConfig(config);
  const { env, cwd, packageDir } = findSurroundings();
  const places = findPlaces(env);
  const workspace = findWorkspace(config.workspace ?? '.', cwd);
  const { policy, rung, name } = config;
  return {
    invocation: {
      command: [],
      mounts: [],
      pass: [],
      set: {},
      require: [],
      limits: {},
      ephemeral: config.ephemeral ?? true,
      ...(rung !== undefined && { rung }),
      ...(name !== undefined && { name }),
    },
    profiles: config.profiles ?? [],
    ...(config.config !== undefined && { configFile: resolve(cwd, config.config) }),
    ...(policy !== undefined && { policy: { name: 'policy', value: policy, base: workspace } }),
    additions: { name: '', value: withOwnCode(policyOf(config), workspace, packageDir), base: workspace },
    ignoreWorkspaceConfig: true,
    workspace,
    cwd: workspace,
    env,
    home: places.home,
    stateDir: config.stateDir === undefined ? places.stateDir : realPath(resolve(cwd, config.stateDir)),
    configDir: places.configDir,
    packageDir,
    terminal: false,
  };
};

/** A program often lies in the folder that its commands work in, and this package below it: that stays read-only. */
const withOwnCode = (policy: Policy, workspace: string, packageDir: string): Policy => {
  const { protect = [] } = policy;
  if (!packageDir.startsWith(`${workspace}/`) || !Array.isArray(protect)) return policy;
  return { ...policy, protect: [...protect, packageDir.slice(workspace.length + 1)] };
};

/** A program in JavaScript has no compiler that would tell it. */
const assertConfig = (config: SandboxConfig): void => {
  const { profiles, rung, ephemeral } = config;
  const texts = { workspace: config.workspace, config: config.config, name: config.name, stateDir: config.stateDir };
  const wrong = Object.entries(texts).find(([, value]) => value !== undefined && typeof value !== 'string');
  if (wrong) throw refuse(`${wrong[0]}: a string is expected`);
  if (profiles !== undefined && !(Array.isArray(profiles) && profiles.every((name) => typeof name === 'string')))
    throw refuse('profiles: a list of names is expected');
  if (ephemeral !== undefined && typeof ephemeral !== 'boolean') throw refuse('ephemeral: true or false is expected');
  if (config.config !== undefined && config.policy !== undefined)
    throw refuse('config and policy: one of them is expected');
  const parsed = rung === undefined ? undefined : parseWord(String(rung), rungNames, 'a rung');
  if (parsed && isRefused(parsed)) throw refuse(`rung: ${parsed.problem}`, parsed.hint);
};

const refuse = (message: string, fix?: string): SboxError =>
  new SboxError({
    code: 'SBOX_E_USAGE',
    message: `cannot use the configuration: ${message}`,
    ...(fix !== undefined && { fix }),
    exitCode: exitCode.usage,
  });
