import { O_CLOEXEC } from './constants.ts';
import { type Arch, type SyscallName, syscallNumber } from './numbers.ts';
import type { CallOptions, Data, FixedSlot, Label, ProgramOptions, Slot, Step, Value } from './program-values.ts';

export type { CallOptions, Data, FixedSlot, Label, Slot, Step, Value } from './program-values.ts';

/**
 * A program for the interpreter (native/interpreter.*.s): a table of system calls with the data that they point to.
 *
 * Every instruction has 64 bytes: u32 code, u32 mask, 6 x u64 arguments, u32 where to go on after a failure, u32 where the result
 * goes. Bit i of the mask: argument i is the address of a value. Codes with the top bit set are the three operations between
 * calls: 1 go to c if a equals b, 2 and, 3 subtract. A call whose result lies in [-4095, -1] has failed; without a place to go
 * on, the interpreter writes a `failed` record (see records.ts) to descriptor 3 and ends.
 */
const instructionBytes = 64;
const instructionWords = instructionBytes / 4;
const operation = { equal: 0x8000_0001, and: 0x8000_0002, subtract: 0x8000_0003 } as const;
const word = { code: 0, mask: 1, arguments: 2, onFailure: 14, into: 15 } as const;

/** Builds one program. */
export class Program {
  /** what the calls that follow are for */
  goal = '';
  readonly #arch: Arch;
  readonly #loadAddress: number;
  #code: Uint32Array;
  #count = 0;
  #data: Buffer;
  #dataBytes = 0;
  readonly #strings = new Map<string, Data>();
  readonly #constants = new Map<string, Data>();
  readonly #steps: (Step | undefined)[] = [];
  /** words of the code that hold offsets into the data, and words that hold places in the code */
  readonly #dataWords: number[] = [];
  readonly #labelWords: { readonly at: number; readonly label: Label }[] = [];
  /** offsets of pointers in the data, which hold offsets into the data */
  readonly #pointers: number[] = [];

  constructor(arch: Arch, { loadAddress = 0x1000_0000, short = false }: ProgramOptions = {}) {
    this.#arch = arch;
    this.#loadAddress = loadAddress;
    this.#code = new Uint32Array((short ? 32 : 1024) * instructionWords);
    this.#data = Buffer.alloc((short ? 1 : 16) * 1024);
  }

  /** Appends a system call and returns the slot of its result. Throws a RangeError if the architecture lacks the call. */
  call(name: SyscallName, args: readonly Value[], options?: CallOptions): Slot {
    const code = syscallNumber(this.#arch, name);
    if (code === undefined) throw new RangeError(`${this.#arch} has no system call ${name}`);
    const into = options?.into ?? this.slot();
    const at = this.#append(code, args, into);
    if (options?.onFailure === undefined) this.#steps[this.#count - 1] = { goal: this.goal, call: name };
    const onFailure = options?.onFailure;
    if (onFailure === 'ignore') this.#code[at + word.onFailure] = this.#codeAddress(this.#count);
    else if (onFailure) this.#labelWords.push({ at: at + word.onFailure, label: onFailure });
    return into;
  }

  /** Appends a conditional jump. */
  jumpIfEqual(a: Value, b: Value, target: Label): void {
    const at = this.#append(operation.equal, [a, b], undefined);
    this.#labelWords.push({ at: at + word.arguments + 4, label: target });
  }

  jump(target: Label): void {
    this.jumpIfEqual(0, 0, target);
  }

  /** Goes on at an address. */
  jumpTo(address: Slot | FixedSlot | number): void {
    this.#append(operation.equal, [0, 0, address], undefined);
  }

  /** Keeps the address of a place in the code. */
  keepAddress(label: Label, into: Slot | FixedSlot): void {
    const at = this.#append(operation.and, [0, -1], into);
    this.#labelWords.push({ at: at + word.arguments, label });
  }

  and<T extends Slot | FixedSlot = Slot>(a: Value, b: Value, into: T = this.slot() as T): T {
    this.#append(operation.and, [a, b], into);
    return into;
  }

  subtract<T extends Slot | FixedSlot = Slot>(a: Value, b: Value, into: T = this.slot() as T): T {
    this.#append(operation.subtract, [a, b], into);
    return into;
  }

  /**
   * Runs what `body` appends once for every row of data, with the row's words in `slots`; `next` leads to the next row. The rows wait in a
   * pipe, which holds 64 KiB (pipe(7)); throws a RangeError if they are more.
   */
  each(rows: readonly (readonly (number | Data)[])[], body: (slots: readonly Slot[], next: Label) => void): void {
    const width = rows[0]?.length ?? 0;
    const bytes = 8 * width;
    if (rows.length * bytes > 65_536) throw new RangeError('the rows do not fit into a pipe');
    if (rows.length === 0) return;
    const ends = this.words([0, 0]); // int[2], and zeros behind them
    this.call('pipe2', [ends, O_CLOEXEC]);
    const [reading, writing] = [this.and(this.valueAt(ends), 0xffff_ffff), this.valueAt(ends, 4)];
    this.call('write', [writing, this.words(rows.flat()), rows.length * bytes]);
    this.call('close', [writing]);
    const row = this.words(new Array<number>(width).fill(0));
    const [next, done] = [this.here(), this.label()];
    this.jumpIfEqual(this.call('read', [reading, row, bytes]), 0, done);
    body(
      Array.from({ length: width }, (_, index) => this.valueAt(row, 8 * index)),
      next,
    );
    this.jump(next);
    this.place(done);
    this.call('close', [reading]);
  }

  /** A label for a place that `place` fixes later. */
  label(): Label {
    return { kind: 'label', at: undefined };
  }

  /** Fixes a label at the next instruction. */
  place(label: Label): void {
    label.at = this.#count;
  }

  /** A label at the next instruction. */
  here(): Label {
    return { kind: 'label', at: this.#count };
  }

  /** Where a label's place will lie. */
  addressAt(label: Label): number {
    return this.#labelAddress(label);
  }

  /** Eight bytes of data, zero at first, read by the instructions that take the slot as an argument. */
  slot(): Slot {
    return { kind: 'slot', offset: this.#reserve(8) };
  }

  /** The slot's address instead of its content. */
  addressOf(slot: Slot): Data {
    return { kind: 'data', offset: slot.offset };
  }

  /** The content of eight bytes of data. */
  valueAt(data: Data, offset = 0): Slot {
    return { kind: 'slot', offset: data.offset + offset };
  }

  /** A place within data. */
  at(data: Data, offset: number): Data {
    return { kind: 'data', offset: data.offset + offset };
  }

  bytes(content: Uint8Array): Data {
    const offset = this.#reserve(content.length);
    this.#data.set(content, offset);
    return { kind: 'data', offset };
  }

  /** So many bytes, zero at first. */
  room(bytes: number): Data {
    return { kind: 'data', offset: this.#reserve(bytes) };
  }

  /** A zero-terminated UTF-8 string; equal strings share their place, so a program must not write to one. */
  string(text: string): Data {
    const known = this.#strings.get(text);
    if (known) return known;
    const offset = this.#reserve(Buffer.byteLength(text) + 1);
    this.#data.write(text, offset);
    const data: Data = { kind: 'data', offset };
    this.#strings.set(text, data);
    return data;
  }

  /** Consecutive words of eight bytes: numbers, or pointers to other data. */
  words(words: readonly (number | bigint | Data)[]): Data {
    const offset = this.#reserve(8 * words.length);
    // by halves, in the machine's own order, which is the kernel's: no call for each number
    const halves = new Uint32Array(this.#data.buffer, this.#data.byteOffset + offset, 2 * words.length);
    words.forEach((value, index) => {
      if (typeof value === 'object') {
        halves[2 * index] = value.offset;
        this.#pointers.push(offset + 8 * index);
      } else if (typeof value === 'bigint') {
        halves[2 * index] = Number(BigInt.asUintN(32, value));
        halves[2 * index + 1] = Number(BigInt.asUintN(32, value >> 32n));
      } else {
        halves[2 * index] = value;
        halves[2 * index + 1] = Math.floor(value / 0x1_0000_0000);
      }
    });
    return { kind: 'data', offset };
  }

  /** Words that the program never writes to; equal ones share their place. */
  constantWords(words: readonly number[]): Data {
    const key = words.join();
    const known = this.#constants.get(key);
    if (known) return known;
    const data = this.words(words);
    this.#constants.set(key, data);
    return data;
  }

  /** A zero-terminated array of pointers, as execve(2) takes it. */
  pointers(targets: readonly Data[]): Data {
    return this.words([...targets, 0]);
  }

  /** What the instruction at a byte offset of the program was for, if it is a call whose failure ends the program. */
  stepAt(offset: number): Step | undefined {
    return this.#steps[offset / instructionBytes];
  }

  /** The program as the interpreter reads it from descriptor 3: its length, the instructions, the data. */
  render(): Buffer {
    const codeBytes = this.#count * instructionBytes;
    const dataAddress = this.#loadAddress + codeBytes;
    const out = Buffer.alloc(8 + codeBytes + this.#dataBytes);
    out.writeUInt32LE(codeBytes + this.#dataBytes, 0);
    const code = this.#code.slice(0, this.#count * instructionWords);
    for (const at of this.#dataWords) code[at] = (code[at] ?? 0) + dataAddress;
    for (const { at, label } of this.#labelWords) code[at] = this.#labelAddress(label);
    out.set(new Uint8Array(code.buffer), 8);
    this.#data.copy(out, 8 + codeBytes, 0, this.#dataBytes);
    for (const at of this.#pointers) {
      const place = 8 + codeBytes + at;
      out.writeUInt32LE(out.readUInt32LE(place) + dataAddress, place);
    }
    return out;
  }

  /** Appends an instruction without labels and returns the index of its first word. */
  #append(code: number, args: readonly Value[], into: Slot | FixedSlot | undefined): number {
    const at = this.#count * instructionWords;
    if (at === this.#code.length) this.#code = grown(this.#code, new Uint32Array(2 * at));
    this.#count++;
    let mask = 0;
    for (let index = 0; index < args.length; index++) {
      const value = args[index] as Value;
      if (typeof value === 'object' && value.kind !== 'data') mask |= 1 << index;
      this.#writeArgument(at + word.arguments + 2 * index, value);
    }
    this.#code[at + word.code] = code;
    this.#code[at + word.mask] = mask;
    if (into) this.#writeArgument(at + word.into, into);
    return at;
  }

  #writeArgument(at: number, value: Value): void {
    if (typeof value === 'object') {
      if (value.kind === 'fixed') this.#code[at] = value.address;
      else {
        this.#code[at] = value.offset;
        this.#dataWords.push(at);
      }
    } else {
      if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0xffff_ffff)
        throw new RangeError(`${value} does not fit into 32 bits`);
      this.#code[at] = value;
      if (value < 0) this.#code[at + 1] = 0xffff_ffff; // two's complement
    }
  }

  #codeAddress(index: number): number {
    return this.#loadAddress + index * instructionBytes;
  }

  #labelAddress(label: Label): number {
    if (label.at === undefined) throw new Error('a label of the program was never placed');
    return this.#codeAddress(label.at);
  }

  #reserve(bytes: number): number {
    const offset = this.#dataBytes;
    this.#dataBytes += (bytes + 7) & ~7;
    while (this.#dataBytes > this.#data.length) this.#data = grown(this.#data, Buffer.alloc(2 * this.#data.length));
    return offset;
  }
}

const grown = <T extends Uint8Array | Uint32Array>(from: T, to: T): T => {
  to.set(from);
  return to;
};
