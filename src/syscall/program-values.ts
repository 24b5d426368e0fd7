import type { SyscallName } from './numbers.ts';

/** A place in the program's data; its address is known once the program is rendered. */
export interface Data {
  readonly kind: 'data';
  readonly offset: number;
}
/** A place in the program's data whose content at run time is meant. */
export interface Slot {
  readonly kind: 'slot';
  readonly offset: number;
}
/** A place outside of the program whose content at run time is meant. */
export interface FixedSlot {
  readonly kind: 'fixed';
  readonly address: number;
}
/** A place in the code. */
export interface Label {
  readonly kind: 'label';
  at: number | undefined;
}
/** A number fits into 32 bits, unsigned or negative; all else that a call needs is data. */
export type Value = number | Data | Slot | FixedSlot;

export interface ProgramOptions {
  /** where it will lie; the interpreter's own place if absent */
  readonly loadAddress?: number;
  /** a short program takes less memory to build */
  readonly short?: boolean;
}

export interface CallOptions {
  /** where to go on if the call fails; `ignore`: with the next instruction; absent: report and end */
  readonly onFailure?: Label | 'ignore';
  /** keep the result here instead of in a slot of its own */
  readonly into?: Slot;
}

/** What a call was for, so that its failure can be told to a person. */
export interface Step {
  /** as in "cannot GOAL": `mount "/usr"` */
  readonly goal: string;
  readonly call: SyscallName;
}
