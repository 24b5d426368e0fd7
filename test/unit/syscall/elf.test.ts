import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderExecutable } from '../../../src/syscall/elf.ts';
import { interpreter } from '../../../src/syscall/interpreter.ts';
import { type Arch, archs } from '../../../src/syscall/numbers.ts';
import { needs, program } from '../../support/needs.ts';

const machine: Record<Arch, { readonly number: number; readonly name: string }> = {
  x64: { number: 62, name: 'Advanced Micro Devices X86-64' },
  arm64: { number: 183, name: 'AArch64' },
};

describe.each(archs)('%s', (arch) => {
  const elf = renderExecutable(arch);
  const code = Buffer.from(interpreter[arch].join(''), 'hex');

  test('the header is that of a static executable, with the entry at the code', () => {
    expect({
      magic: elf.toString('latin1', 0, 7),
      type: elf.readUInt16LE(16),
      machine: elf.readUInt16LE(18),
      version: elf.readUInt32LE(20),
      entry: elf.readBigUInt64LE(24),
      programHeaders: elf.readBigUInt64LE(32),
      sectionHeaders: elf.readBigUInt64LE(40),
      headerBytes: elf.readUInt16LE(52),
      segmentBytes: elf.readUInt16LE(54),
      segments: elf.readUInt16LE(56),
      sections: elf.readUInt16LE(60),
    }).toEqual({
      magic: '\x7fELF\x02\x01\x01',
      type: 2,
      machine: machine[arch].number,
      version: 1,
      entry: 0x2000b0n,
      programHeaders: 64n,
      sectionHeaders: 0n,
      headerBytes: 64,
      segmentBytes: 56,
      segments: 2,
      sections: 0,
    });
    expect(elf.subarray(0xb0)).toEqual(code);
  });

  test('no segment is writable and executable at once', () => {
    const segments = [64, 120].map((at) => ({ type: elf.readUInt32LE(at), flags: elf.readUInt32LE(at + 4) }));
    expect(segments).toEqual([
      { type: 1, flags: 5 },
      { type: 0x6474e551, flags: 6 },
    ]);
  });

  test('it is about 500 bytes long', () => expect(elf.length).toBeLessThan(600));

  needs(program('readelf', 'binutils'))('readelf reads it without a complaint', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sbox-elf-'));
    try {
      const path = join(folder, 'interpreter');
      writeFileSync(path, elf);
      const listing = execFileSync('readelf', ['-l', '-h', '-W', path], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, LC_ALL: 'C' },
      });
      expect(listing.match(/Warning|Error/i)).toBeNull();
      expect(/Machine: +(.*)/.exec(listing)?.[1]).toBe(machine[arch].name);
      const segments = [...listing.matchAll(/^ {2}(LOAD|GNU_STACK) .* (R[ W][ E]|RW) +0x/gm)];
      expect(segments.map(([, type, flags]) => [type, flags])).toEqual([
        ['LOAD', 'R E'],
        ['GNU_STACK', 'RW '],
      ]);
      expect(listing).toMatch(/LOAD +0x0+ 0x0+200000 0x0+200000/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
