import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { interpreter } from '../../../src/syscall/interpreter.ts';
import { type Arch, archs } from '../../../src/syscall/numbers.ts';
import { needs, program } from '../../support/needs.ts';

interface Assembler {
  readonly toolchains: Record<Arch, string>;
  readonly assemble: (arch: Arch) => readonly { readonly hex: string; readonly text: string }[];
}

const { toolchains, assemble } = (await import(
  new URL('../../../scripts/assemble.mjs', import.meta.url).href
)) as Assembler;
const packages: Record<Arch, string> = { x64: 'binutils', arm64: 'binutils-aarch64-linux-gnu' };
const source = readFileSync(new URL('../../../src/syscall/interpreter.ts', import.meta.url), 'utf8');

describe.each(archs)('%s', (arch) => {
  const tools = ['as', 'objdump'].map((name) => program(`${toolchains[arch]}${name}`, packages[arch]));

  needs(...tools)('the machine code is what the assembler makes of native/*.s', () => {
    const instructions = assemble(arch);
    expect(interpreter[arch]).toEqual(instructions.map(({ hex }) => hex));
    expect(source).toContain(instructions.map(({ hex, text }) => `    '${hex}', // ${text}`).join('\n'));
  });
});
