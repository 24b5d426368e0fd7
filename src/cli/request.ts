import { resolve } from 'node:path';
import { findWorkspace } from '../session/places.ts';
import type { RunRequest } from '../session/request.ts';
import type { CliContext } from './context.ts';
import { parseInvocation, type RunOptions } from './options.ts';

/** The request that options and context make. Throws an SboxError. */
export const renderRequest = (command: readonly string[], options: RunOptions, context: CliContext): RunRequest => {
  const env = Object.fromEntries(
    Object.entries(context.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const workspace = options.workspace === undefined ? context.cwd : findWorkspace(options.workspace, context.cwd);
  return {
    invocation: parseInvocation(command, options, context.cwd),
    profiles: options.profile,
    ...(typeof options.config === 'string' && { configFile: resolve(context.cwd, options.config) }),
    ignoreWorkspaceConfig: options.config === false,
    workspace,
    cwd: context.cwd === workspace || context.cwd.startsWith(`${workspace}/`) ? context.cwd : workspace,
    env,
    home: context.home,
    stateDir: context.stateDir,
    configDir: context.configDir,
    packageDir: context.packageDir,
    terminal: true,
  };
};
