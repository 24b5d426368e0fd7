import type { Program } from '../../syscall/program.ts';

/** What a call of a program was for, so that a failure can be told to a person. */
export interface Step {
  /** the goal, as in "cannot GOAL": `mount "/usr"` */
  readonly goal: string;
  readonly call: string;
}

export type StepProgram = Program<Step>;

/** The descriptor that connects a program with the launcher. */
export const channel = 3;
