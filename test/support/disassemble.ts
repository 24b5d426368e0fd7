import { batchAddress, known } from '../../src/syscall/batch.ts';
import type { Arch } from '../../src/syscall/numbers.ts';
import type { Program } from '../../src/syscall/program.ts';
import { syscallName } from './syscall-names.ts';

const loadAddress = 0x1000_0000;
const instructionBytes = 64;

/** What an argument is, so that it can be shown: a descriptor, a text, so many words, text or bytes as long as the next says. */
type Kind = 'fd' | 'out' | 'text' | 'content' | 'pointers' | 'filter' | 'number' | number;

/** The arguments of the calls that take more than plain numbers. */
const signatures: Readonly<Record<string, readonly Kind[]>> = {
  bind: ['fd', 2],
  capset: [1, 3],
  chdir: ['text'],
  chroot: ['text'],
  close: ['fd'],
  dup3: ['fd'],
  epoll_ctl: ['fd', 'number', 'fd', 'out'],
  epoll_pwait: ['fd', 'out'],
  execve: ['text', 'pointers', 'pointers'],
  fchdir: ['fd'],
  fcntl: ['fd'],
  fsconfig: ['fd', 'number', 'text', 'text'],
  fsmount: ['fd'],
  fsopen: ['text'],
  fstatfs: ['fd', 'out'],
  ioctl: ['fd', 'number', 1],
  landlock_add_rule: ['fd', 'number', 2],
  landlock_create_ruleset: [3],
  landlock_restrict_self: ['fd'],
  mkdirat: ['fd', 'text'],
  mknodat: ['fd', 'text'],
  mount: ['text', 'text', 'text', 'number', 'text'],
  mount_setattr: ['fd', 'text', 'number', 4],
  move_mount: ['fd', 'text', 'fd', 'text'],
  open_tree: ['fd', 'text'],
  openat: ['fd', 'text'],
  openat2: ['fd', 'text', 3],
  pipe2: [1],
  pivot_root: ['text', 'text'],
  ppoll: [1, 'number', 2],
  prlimit64: ['number', 'number', 2],
  read: ['fd', 'out'],
  recvfrom: ['fd', 'out', 'number', 'number', 'out', 'out'],
  recvmsg: ['fd', 'out'],
  readlinkat: ['fd', 'text', 'out'],
  rt_sigprocmask: ['number', 1, 1],
  rt_sigtimedwait: [1, 'out'],
  sendmsg: ['fd', 'out'],
  seccomp: ['number', 'number', 'filter'],
  sethostname: ['text'],
  setitimer: ['number', 4],
  socketpair: ['number', 'number', 'number', 1],
  symlinkat: ['text', 'fd', 'text'],
  umount2: ['text'],
  unlinkat: ['fd', 'text'],
  wait4: ['number', 'out'],
  write: ['fd', 'content'],
};

/**
 * A program as text, one instruction a line. A result is shown as `<call "text">` where it is used, any other word of the data as
 * `w1`, a place to jump to as `L1:`, what follows a failure as `or ignore` or `or L1`. A call without either ends the program when
 * it fails.
 */
export const disassemble = (program: Program, arch: Arch): string[] => new View(program, arch).lines();

class View {
  readonly #bytes: Buffer;
  readonly #count: number;
  readonly #arch: Arch;
  readonly #labels = new Map<number, string>();
  /** what the word at an address is called: the last call before that wrote there */
  readonly #names = new Map<number, string>();

  #named = 0;

  constructor(program: Program, arch: Arch) {
    this.#bytes = program.render().subarray(8);
    this.#count = program.here().at ?? 0;
    this.#arch = arch;
    const targets = new Set<number>();
    for (let index = 0; index < this.#count; index++) {
      const { code, args, slots, onFailure } = this.#instruction(index);
      if (code === 0x8000_0001 && !slots[2]) targets.add(Number(args[2]));
      if (code === 0x8000_0002 && this.#isCode(args[0] ?? 0n)) targets.add(Number(args[0]));
      if (onFailure !== 0 && onFailure !== addressOf(index + 1)) targets.add(onFailure);
    }
    const sorted = [...targets].sort((a, b) => a - b);
    sorted.forEach((address, at) => {
      this.#labels.set(address, `L${at + 1}`);
    });
  }

  lines(): string[] {
    const lines: string[] = [];
    for (let index = 0; index < this.#count; index++) {
      const label = this.#labels.get(addressOf(index));
      if (label !== undefined) lines.push(`${label}:`);
      lines.push(this.#line(index));
    }
    const end = this.#labels.get(addressOf(this.#count));
    return end === undefined ? lines : [...lines, `${end}:`];
  }

  #line(index: number): string {
    const { code, args, slots, onFailure, into } = this.#instruction(index);
    const value = (position: number) => this.#value(args[position] ?? 0n, slots[position] ?? false, 'fd');
    if (code === 0x8000_0001) {
      const target = slots[2] ? `what ${value(2)} holds` : this.#labels.get(Number(args[2]));
      const always = !slots[0] && !slots[1] && args[0] === args[1];
      return always ? `go to ${target}` : `go to ${target} if ${value(0)} = ${value(1)}`;
    }
    if (code === 0x8000_0002 && this.#isCode(args[0] ?? 0n))
      return `${this.#wordAt(into)} = ${this.#labels.get(Number(args[0]))}`;
    if (code >= 0x8000_0000) {
      const text = `${value(0)} ${code === 0x8000_0002 ? '&' : '-'} ${value(1)}`;
      return `${this.#wordAt(into)} = ${text}`;
    }
    const name = syscallName(this.#arch, code) ?? `call ${code}`;
    const kinds = signatures[name] ?? [];
    const used = args.findLastIndex((argument, at) => argument !== 0n || slots[at]) + 1;
    const shown = args.slice(0, Math.max(used, kinds.length)).map((argument, at) => {
      const next = slots[at + 1] ? undefined : args[at + 1];
      return this.#value(argument, slots[at] ?? false, kinds[at] ?? 'number', next);
    });
    const text = shown.find((part) => /^"[^"]+"$/.test(part));
    this.#names.set(into, `<${name}${text === undefined ? '' : ` ${text}`}>`);
    const failure =
      onFailure === 0 ? '' : onFailure === addressOf(index + 1) ? ' or ignore' : ` or ${this.#labels.get(onFailure)}`;
    return `${name}(${shown.join(', ')})${failure}`;
  }

  /** Whether a value is the address of an instruction. */
  #isCode(value: bigint): boolean {
    return value >= loadAddress && value < addressOf(this.#count);
  }

  #value(argument: bigint, isSlot: boolean, kind: Kind, next?: bigint): string {
    if (isSlot) return this.#wordAt(Number(argument));
    if (kind === 'number' || kind === 'fd' || argument === 0n) return renderNumber(argument, kind);
    const address = Number(argument);
    if (address === batchAddress) return 'a batch';
    const named = this.#names.get(address);
    if (named !== undefined) return `&${named}`;
    switch (kind) {
      case 'out':
        return `&${this.#wordAt(address)}`;
      case 'text':
        return JSON.stringify(this.#text(address));
      case 'pointers':
        return this.#pointers(address);
      case 'filter':
        return `filter of ${this.#bytes.readUInt16LE(address - loadAddress)}`;
      case 'content':
        // of a length that is known at run time only
        return next === undefined ? `&${this.#wordAt(address)}` : this.#content(address, Number(next));
      default:
        return this.#words(address, kind);
    }
  }

  /** The name of the word at an address; a new one tells its initial value. */
  #wordAt(address: number): string {
    const known = this.#names.get(address) ?? outside.get(address);
    if (known !== undefined) return known;
    const name = `w${++this.#named}`;
    this.#names.set(address, name);
    const at = address - loadAddress;
    if (at >= this.#bytes.length) return name; // memory that the program maps
    const initial = this.#bytes.readBigInt64LE(at);
    return initial === 0n ? name : `${name}(${initial})`;
  }

  #text(address: number): string {
    const start = address - loadAddress;
    return this.#bytes.toString('utf8', start, this.#bytes.indexOf(0, start));
  }

  #words(address: number, count: number): string {
    const words = Array.from({ length: count }, (_, at) =>
      renderNumber(this.#bytes.readBigUInt64LE(address - loadAddress + 8 * at), 'number'),
    );
    return `{${words.join(' ')}}`;
  }

  /** Text as such, words among which are pointers with the texts that those lead to, and all else in hexadecimal. */
  #content(address: number, length: number): string {
    const content = this.#bytes.subarray(address - loadAddress, address - loadAddress + length);
    if (/^[\x20-\x7e\n]*$/.test(content.toString('latin1'))) return JSON.stringify(content.toString());
    const words = Array.from({ length: Math.floor(content.length / 8) }, (_, at) => content.readBigUInt64LE(8 * at));
    const isPointer = (word: bigint) => word >= loadAddress && word < loadAddress + this.#bytes.length;
    if (!words.some(isPointer)) return content.toString('hex');
    const shown = words.map((word) =>
      isPointer(word) ? JSON.stringify(this.#text(Number(word))) : renderNumber(word, 'number'),
    );
    return `[${shown.join(' ')}]`;
  }

  #pointers(address: number): string {
    const texts: string[] = [];
    for (let at = address - loadAddress; ; at += 8) {
      const pointer = Number(this.#bytes.readBigUInt64LE(at));
      if (pointer === 0) return JSON.stringify(texts);
      texts.push(this.#text(pointer));
    }
  }

  #instruction(index: number) {
    const at = index * instructionBytes;
    const mask = this.#bytes.readUInt32LE(at + 4);
    return {
      code: this.#bytes.readUInt32LE(at),
      args: [0, 1, 2, 3, 4, 5].map((position) => this.#bytes.readBigUInt64LE(at + 8 + 8 * position)),
      slots: [0, 1, 2, 3, 4, 5].map((position) => (mask & (1 << position)) !== 0),
      onFailure: this.#bytes.readUInt32LE(at + 56),
      into: this.#bytes.readUInt32LE(at + 60),
    };
  }
}

/** Words that a broker has in common with its batches. */
const outside = new Map(Object.entries(known).map(([name, { address }]) => [address, name]));

const addressOf = (index: number): number => loadAddress + index * instructionBytes;

const renderNumber = (value: bigint, kind: Kind): string => {
  const signed = BigInt.asIntN(64, value);
  if (kind === 'fd' && signed === -100n) return 'AT_FDCWD';
  return signed > 4096n ? `0x${signed.toString(16)}` : String(signed);
};
