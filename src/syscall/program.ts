import { type Arch, type SyscallName, syscallNumber } from './numbers.ts';

/**
 * A program for the interpreter (native/interpreter.*.s): a table of system calls with the data that they point to.
 *
 * Every instruction has 64 bytes: u32 code, u32 mask, 6 x u64 arguments, u32 where to go on after a failure, u32 where the result
 * goes. Bit i of the mask: argument i is the address of a value. Codes with the top bit set are the three operations between
 * calls: 1 go to c if a equals b, 2 and, 3 subtract. A call whose result lies in [-4095, -1] has failed; without a place to go
 * on, the interpreter writes a `failed` record (see records.ts) to descriptor 3 and ends.
 */
const loadAddress = 0x1000_0000;
const instructionBytes = 64;
const operation = { equal: 0x8000_0001, and: 0x8000_0002, subtract: 0x8000_0003 } as const;

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
/** A place in the code. */
export interface Label {
  readonly kind: 'label';
  at: number | undefined;
}
export type Value = number | bigint | Data | Slot;

export interface CallOptions<Note> {
  /** where to go on if the call fails; `ignore`: with the next instruction; absent: report and end */
  readonly onFailure?: Label | 'ignore';
  /** what the call was for, handed back by `noteAt` when a failure is reported */
  readonly note?: Note;
  /** keep the result here instead of in a slot of its own */
  readonly into?: Slot;
}

interface Instruction<Note> {
  readonly code: number;
  readonly args: readonly (Value | Label)[];
  readonly onFailure: Label | 'ignore' | undefined;
  readonly into: Slot | undefined;
  readonly note: Note | undefined;
}

/** Builds one program. `Note` is whatever the caller wants to know about an instruction that failed. */
export class Program<Note> {
  readonly #arch: Arch;
  readonly #instructions: Instruction<Note>[] = [];
  readonly #data: { readonly offset: number; readonly bytes: Buffer }[] = [];
  readonly #words: { readonly at: number; readonly word: number | bigint | Data }[] = [];
  readonly #strings = new Map<string, Data>();
  #dataBytes = 0;

  constructor(arch: Arch) {
    this.#arch = arch;
  }

  /** Appends a system call and returns the slot of its result. Throws a RangeError if the architecture lacks the call. */
  call(name: SyscallName, args: readonly Value[], options: CallOptions<Note> = {}): Slot {
    const code = syscallNumber(this.#arch, name);
    if (code === undefined) throw new RangeError(`${this.#arch} has no system call ${name}`);
    const into = options.into ?? this.slot();
    this.#instructions.push({ code, args, into, onFailure: options.onFailure, note: options.note });
    return into;
  }

  /** Appends a conditional jump. */
  jumpIfEqual(a: Value, b: Value, target: Label): void {
    this.#operation(operation.equal, [a, b, target], undefined);
  }

  jump(target: Label): void {
    this.jumpIfEqual(0, 0, target);
  }

  and(a: Value, b: Value, into: Slot = this.slot()): Slot {
    return this.#operation(operation.and, [a, b], into);
  }

  subtract(a: Value, b: Value): Slot {
    return this.#operation(operation.subtract, [a, b], this.slot());
  }

  /** A label for a place that `place` fixes later. */
  label(): Label {
    return { kind: 'label', at: undefined };
  }

  /** Fixes a label at the next instruction. */
  place(label: Label): void {
    label.at = this.#instructions.length;
  }

  /** A label at the next instruction. */
  here(): Label {
    return { kind: 'label', at: this.#instructions.length };
  }

  /** Eight bytes of data, read by the instructions that take the slot as an argument. */
  slot(initial = 0n): Slot {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(initial);
    return { kind: 'slot', offset: this.bytes(bytes).offset };
  }

  /** The slot's address instead of its content. */
  addressOf(slot: Slot): Data {
    return { kind: 'data', offset: slot.offset };
  }

  /** The content of eight bytes of data. */
  valueAt(data: Data, offset = 0): Slot {
    return { kind: 'slot', offset: data.offset + offset };
  }

  bytes(content: Buffer): Data {
    const offset = this.#dataBytes;
    this.#data.push({ offset, bytes: content });
    this.#dataBytes += Math.ceil(content.length / 8) * 8;
    return { kind: 'data', offset };
  }

  /** A zero-terminated UTF-8 string; equal strings share their place, so a program must not write to one. */
  string(text: string): Data {
    const known = this.#strings.get(text);
    if (known) return known;
    const data = this.bytes(Buffer.from(`${text}\0`));
    this.#strings.set(text, data);
    return data;
  }

  /** Consecutive words of eight bytes: numbers, or pointers to other data. */
  words(words: readonly (number | bigint | Data)[]): Data {
    const data = this.bytes(Buffer.alloc(8 * words.length));
    words.forEach((word, index) => {
      this.#words.push({ at: data.offset + 8 * index, word });
    });
    return data;
  }

  /** A zero-terminated array of pointers, as execve(2) takes it. */
  pointers(targets: readonly Data[]): Data {
    return this.words([...targets, 0]);
  }

  /** The note of the instruction at a byte offset of the program. */
  noteAt(offset: number): Note | undefined {
    return this.#instructions[offset / instructionBytes]?.note;
  }

  /** The program as the interpreter reads it from descriptor 3: its length, the instructions, the data. */
  render(): Buffer {
    const codeBytes = this.#instructions.length * instructionBytes;
    const out = Buffer.alloc(8 + codeBytes + this.#dataBytes);
    out.writeBigUInt64LE(BigInt(codeBytes + this.#dataBytes), 0);
    const dataAddress = loadAddress + codeBytes;
    this.#instructions.forEach((instruction, index) => {
      writeInstruction(out, 8 + index * instructionBytes, instruction, index, dataAddress);
    });
    for (const { offset, bytes } of this.#data) bytes.copy(out, 8 + codeBytes + offset);
    for (const { at, word } of this.#words) out.writeBigUInt64LE(resolve(word, dataAddress), 8 + codeBytes + at);
    return out;
  }

  #operation(code: number, args: readonly (Value | Label)[], into: Slot | undefined): Slot {
    this.#instructions.push({ code, args, into, onFailure: undefined, note: undefined });
    return into as Slot;
  }
}

const writeInstruction = (
  out: Buffer,
  at: number,
  { code, args, onFailure, into }: Instruction<unknown>,
  index: number,
  dataAddress: number,
): void => {
  let mask = 0;
  args.forEach((argument, position) => {
    if (typeof argument === 'object' && argument.kind === 'slot') mask |= 1 << position;
    out.writeBigUInt64LE(resolve(argument, dataAddress), at + 8 + 8 * position);
  });
  out.writeUInt32LE(code, at);
  out.writeUInt32LE(mask, at + 4);
  if (onFailure) out.writeUInt32LE(onFailure === 'ignore' ? codeAddress(index + 1) : labelAddress(onFailure), at + 56);
  if (into) out.writeUInt32LE(dataAddress + into.offset, at + 60);
};

const resolve = (value: Value | Label, dataAddress: number): bigint => {
  if (typeof value !== 'object') return BigInt.asUintN(64, BigInt(value));
  return BigInt(value.kind === 'label' ? labelAddress(value) : dataAddress + value.offset);
};

const codeAddress = (index: number): number => loadAddress + index * instructionBytes;

const labelAddress = (label: Label): number => {
  if (label.at === undefined) throw new Error('a label of the program was never placed');
  return codeAddress(label.at);
};
