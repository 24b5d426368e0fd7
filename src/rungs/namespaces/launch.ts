import { statSync } from 'node:fs';
import type { Facts } from '../../domain/facts.ts';
import { type Launched, launchProgram, type Stdio } from '../launch.ts';
import type { NamespacePlan } from './plan.ts';
import { renderNamespaceProgram } from './program.ts';

/** Starts a plan on the namespaces rung. */
export const launchNamespaces = (
  plan: NamespacePlan,
  facts: Pick<Facts, 'arch'> & { readonly capabilities: Pick<Facts['capabilities'], 'landlockAbi'> },
  executable: string,
  stdio: Stdio,
): Launched => {
  const program = renderNamespaceProgram(plan, {
    arch: facts.arch,
    landlockAbi: facts.capabilities.landlockAbi,
    scaffold: findScaffold(),
  });
  return launchProgram({ executable, program, stdio, plan });
};

/** Any directory will do; these exist on what calls itself Linux. */
const findScaffold = (): string =>
  ['/tmp', '/mnt', '/run', '/var', '/usr'].find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory()) ??
  '/proc';
