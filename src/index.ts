/** The library of sbox: the same path from a request to a session that the command line takes. */
export { type ErrorCode, SboxError } from './domain/errors.ts';
export type { Facts } from './domain/facts.ts';
export type { Invocation } from './domain/invocation.ts';
export type { Plan, PlannedMount } from './domain/plan.ts';
export type { Profile } from './domain/profile.ts';
export type { Property, PropertyName, PropertyStatus } from './domain/property.ts';
export { planRun } from './plan/plan.ts';
export { type PlannedRun, planRequest, type RunRequest } from './session/request.ts';
export { type Outcome, openSession, type Session, type SessionOptions } from './session/session.ts';
