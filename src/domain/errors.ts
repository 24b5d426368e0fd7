import type { Problem } from './problem.ts';

/** Stable codes of sbox's own failures; printed in brackets behind the message. */
export type ErrorCode =
  | 'SBOX_E_USAGE'
  | 'SBOX_E_PROFILE'
  | 'SBOX_E_UNTRUSTED'
  | 'SBOX_E_WORKSPACE'
  | 'SBOX_E_MOUNT'
  | 'SBOX_E_NETWORK_MODE'
  | 'SBOX_E_CREDENTIAL'
  | 'SBOX_E_REQUIRE'
  | 'SBOX_E_RUNG'
  | 'SBOX_E_USERNS_DENIED'
  | 'SBOX_E_SETUP'
  | 'SBOX_E_NOT_FOUND'
  | 'SBOX_E_NOT_EXECUTABLE'
  | 'SBOX_E_STATE'
  | 'SBOX_E_INTERNAL';

/** Exit codes of sbox itself; a command's own status passes through unchanged. */
export const exitCode = { usage: 2, failed: 125, notExecutable: 126, notFound: 127 } as const;

export interface FailureFacts {
  readonly code: ErrorCode;
  /** the user's goal first, lower case, values quoted */
  readonly message: string;
  readonly cause?: string;
  /** works as pasted */
  readonly fix?: string;
  readonly problems?: readonly Problem[];
  /** 125 unless the fault lies in what the operator asked for (2) or in the command (126, 127) */
  readonly exitCode?: number;
}

/** The one error class of sbox: facts for a program, a message for a person, never a secret. */
export class SboxError extends Error {
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  readonly reason: string | undefined;
  readonly problems: readonly Problem[];
  readonly exitCode: number;

  /** The parts of sbox that are loaded later have a copy of this class of their own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'SboxError';
  }

  constructor(facts: FailureFacts) {
    super(facts.message);
    this.name = 'SboxError';
    this.code = facts.code;
    this.reason = facts.cause;
    this.fix = facts.fix;
    this.problems = facts.problems ?? [];
    this.exitCode = facts.exitCode ?? exitCode.failed;
  }
}
