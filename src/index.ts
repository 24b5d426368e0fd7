/** The library of sbox: the same path from a request to a session that the command line takes. */
import { findPackage } from './library/surroundings.ts';
import { type RunRequest as FullRequest, type PlannedRun, planRequest as planRequestOf } from './session/request.ts';

export type { Decision, DecisionReason, EgressEvent } from './domain/decision.ts';
export { type ErrorCode, SboxError } from './domain/errors.ts';
export type { Facts } from './domain/facts.ts';
export type { Invocation } from './domain/invocation.ts';
export type { Plan, PlannedMount } from './domain/plan.ts';
export type { Problem } from './domain/problem.ts';
export type { Profile } from './domain/profile.ts';
export type { Property, PropertyName, PropertyStatus } from './domain/property.ts';
export type { CredentialValue, MountValue, Policy, PolicyDocument, SandboxConfig } from './library/config.ts';
export { createSandbox } from './library/create.ts';
export type { ExecResult } from './library/exec.ts';
export type { CommandEnd, SandboxProcess } from './library/process.ts';
export type {
  CommandOptions,
  ExecOptions,
  Sandbox,
  SandboxReport,
  SpawnOptions,
  StdioValue,
} from './library/sandbox.ts';
export { planRun } from './plan/plan.ts';
export type { PlannedRun } from './session/request.ts';
export { type Outcome, openSession, type Session, type SessionOptions } from './session/session.ts';

/** All that a run is made of; see the fields. */
export type RunRequest = Omit<FullRequest, 'packageDir'>;

/** Reads profiles and host and makes the plan of one run; changes nothing but sbox's memory of the kernel. Throws an SboxError. */
export const planRequest = (request: RunRequest): Promise<PlannedRun> =>
  planRequestOf({ ...request, packageDir: findPackage() });
