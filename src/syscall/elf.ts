import { interpreter } from './interpreter.ts';
import type { Arch } from './numbers.ts';

const loadAddress = 0x200000;
const headerBytes = 64;
const segmentBytes = 56;
const machine: Record<Arch, number> = { x64: 62, arm64: 183 };

/**
 * A static ELF executable (elf(5)) of the interpreter: one read-only segment, no libc, no relocation, about 500 bytes.
 * It runs on any Linux of its architecture, whatever C library the system has.
 */
export const renderExecutable = (arch: Arch): Buffer => {
  const code = Buffer.from(interpreter[arch].join(''), 'hex');
  const start = headerBytes + 2 * segmentBytes;
  const total = start + code.length;
  const elf = Buffer.alloc(total);
  elf.write('\x7fELF\x02\x01\x01', 'latin1'); // 64-bit, little-endian, version 1
  elf.writeUInt16LE(2, 16); // ET_EXEC
  elf.writeUInt16LE(machine[arch], 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(loadAddress + start), 24); // entry
  elf.writeBigUInt64LE(BigInt(headerBytes), 32); // program headers
  elf.writeUInt16LE(headerBytes, 52);
  elf.writeUInt16LE(segmentBytes, 54);
  elf.writeUInt16LE(2, 56); // two program headers
  elf.writeUInt16LE(64, 58); // size of a section header; there are none
  writeSegment(elf, headerBytes, { type: 1, flags: 5, address: loadAddress, bytes: total }); // PT_LOAD, read and execute
  writeSegment(elf, headerBytes + segmentBytes, { type: 0x6474e551, flags: 6, address: 0, bytes: 0 }); // PT_GNU_STACK
  code.copy(elf, start);
  return elf;
};

interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly bytes: number;
}

const writeSegment = (elf: Buffer, at: number, segment: Segment): void => {
  elf.writeUInt32LE(segment.type, at);
  elf.writeUInt32LE(segment.flags, at + 4);
  elf.writeBigUInt64LE(BigInt(segment.address), at + 16);
  elf.writeBigUInt64LE(BigInt(segment.address), at + 24);
  elf.writeBigUInt64LE(BigInt(segment.bytes), at + 32);
  elf.writeBigUInt64LE(BigInt(segment.bytes), at + 40);
  elf.writeBigUInt64LE(0x1000n, at + 48);
};
