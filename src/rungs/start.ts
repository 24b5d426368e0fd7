import { statSync } from 'node:fs';
import type { Facts } from '../domain/facts.ts';
import type { Plan } from '../domain/plan.ts';
import type { Program } from '../syscall/program.ts';
import { renderLandlockBase, renderLandlockCommand, renderLandlockProgram } from './landlock/program.ts';
import { type Launched, launchProgram, type Stdio } from './launch.ts';
import { renderNamespaceBase, renderNamespaceCommand, renderNamespaceProgram } from './namespaces/program.ts';
import { renderPortableBase, renderPortableCommand, renderPortableProgram } from './portable/program.ts';
import { channel, channelsOf } from './program/channel.ts';

/** What a rung has to know of the host beside the plan. */
export interface StartFacts {
  readonly arch: Facts['arch'];
  readonly landlockAbi: number;
}

/** Starts a plan on the rung that it is for; `executable` is the interpreter. */
export const startPlan = (plan: Plan, facts: StartFacts, executable: string, stdio: Stdio): Launched =>
  launchProgram({ executable, program: renderPlan(plan, facts), stdio, plan });

/** Makes what the commands of one sandbox share; it is there once the launched program is ready. */
export const startBase = (plan: Plan, facts: StartFacts, executable: string): Launched =>
  launchProgram({ executable, program: renderBase(plan, facts), stdio: ['ignore', 'ignore', 'ignore'], plan });

/** Starts a plan in what was made; `namespaces` are its descriptors in the order of `sharedNamespaces`. */
export const startCommand = (
  plan: Plan,
  facts: StartFacts,
  executable: string,
  { stdio, namespaces }: { readonly stdio: Stdio; readonly namespaces: readonly number[] },
): Launched => {
  const joined = namespaces.map((_, index) => channel + channelsOf(plan).length + index);
  const program = renderCommand(plan, facts, joined);
  return launchProgram({ executable, program, stdio, plan, descriptors: namespaces });
};

/** The program of a plan. */
const renderPlan = (plan: Plan, { arch, landlockAbi }: StartFacts): Program => {
  const { mechanism } = plan;
  switch (mechanism.kind) {
    case 'namespaces':
      return renderNamespaceProgram({ ...plan, mechanism }, { arch, landlockAbi, scaffold: findScaffold() });
    case 'landlock':
      return renderLandlockProgram({ ...plan, mechanism }, arch);
    case 'portable':
      return renderPortableProgram(plan, arch);
  }
};

const renderBase = (plan: Plan, { arch, landlockAbi }: StartFacts): Program => {
  const { mechanism } = plan;
  switch (mechanism.kind) {
    case 'namespaces':
      return renderNamespaceBase({ ...plan, mechanism }, { arch, landlockAbi, scaffold: findScaffold() });
    case 'landlock':
      return renderLandlockBase({ ...plan, mechanism }, arch);
    case 'portable':
      return renderPortableBase(plan, arch);
  }
};

const renderCommand = (plan: Plan, { arch, landlockAbi }: StartFacts, joined: readonly number[]): Program => {
  const { mechanism } = plan;
  switch (mechanism.kind) {
    case 'namespaces':
      return renderNamespaceCommand({ ...plan, mechanism }, { arch, landlockAbi }, joined);
    case 'landlock':
      return renderLandlockCommand({ ...plan, mechanism }, arch, joined);
    case 'portable':
      return renderPortableCommand(plan, arch);
  }
};

/** A directory for the new root to be put together over: any will do, and these exist on what calls itself Linux. */
const findScaffold = (): string =>
  ['/tmp', '/mnt', '/run', '/var', '/usr'].find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory()) ??
  '/proc';
