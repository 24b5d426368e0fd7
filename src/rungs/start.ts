import { statSync } from 'node:fs';
import type { Facts } from '../domain/facts.ts';
import type { Plan } from '../domain/plan.ts';
import type { Program } from '../syscall/program.ts';
import { renderLandlockProgram } from './landlock/program.ts';
import { type Launched, launchProgram, type Stdio } from './launch.ts';
import { renderNamespaceProgram } from './namespaces/program.ts';
import { renderPortableProgram } from './portable/program.ts';

/** What a rung has to know of the host beside the plan. */
export interface StartFacts {
  readonly arch: Facts['arch'];
  readonly landlockAbi: number;
}

/** Starts a plan on the rung that it is for; `executable` is the interpreter. */
export const startPlan = (plan: Plan, facts: StartFacts, executable: string, stdio: Stdio): Launched =>
  launchProgram({ executable, program: renderPlan(plan, facts), stdio, plan });

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

/** A directory for the new root to be put together over: any will do, and these exist on what calls itself Linux. */
const findScaffold = (): string =>
  ['/tmp', '/mnt', '/run', '/var', '/usr'].find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory()) ??
  '/proc';
