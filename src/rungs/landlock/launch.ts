import type { Facts } from '../../domain/facts.ts';
import { type Launched, launchProgram, type Stdio } from '../launch.ts';
import { type LandlockPlan, renderLandlockProgram } from './program.ts';

/** Starts a plan on the landlock rung. */
export const launchLandlock = (
  plan: LandlockPlan,
  facts: Pick<Facts, 'arch'>,
  executable: string,
  stdio: Stdio,
): Launched => launchProgram({ executable, program: renderLandlockProgram(plan, facts.arch), stdio, plan });
