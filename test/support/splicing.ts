import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { SplicerOptions } from '../../src/egress/splice/splicer.ts';
import { renderExecutable } from '../../src/syscall/elf.ts';
import type { Arch } from '../../src/syscall/numbers.ts';
import { emulatorOf } from './interpreter.ts';

export interface TestSplicing extends SplicerOptions {
  /** the ids of the splicers that were started from it and live */
  readonly processes: () => number[];
}

export interface TestSplicingOptions {
  /** this machine's if absent; another one is emulated, and its processes are not found */
  readonly arch?: Arch;
  /** shell commands that run first */
  readonly before?: string;
}

/** What starts a splicer, with an executable of its own; it is removed after the tests of the file. */
export const testSplicing = ({ arch = ownArch, before = '' }: TestSplicingOptions = {}): TestSplicing => {
  const folder = mkdtempSync(join(tmpdir(), 'sbox-splicer-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const interpreter = join(folder, 'interpreter');
  writeFileSync(interpreter, renderExecutable(arch));
  chmodSync(interpreter, 0o755);
  const script = join(folder, 'script');
  const emulator = arch === ownArch ? '' : emulatorOf(arch);
  writeFileSync(script, `#!/bin/sh\n${before}\nexec ${emulator} ${interpreter}\n`);
  chmodSync(script, 0o755);
  return {
    executable: before === '' && emulator === '' ? interpreter : script,
    arch,
    processes: () =>
      readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) && runs(name, interpreter) ? [Number(name)] : [])),
  };
};

const ownArch: Arch = process.arch === 'arm64' ? 'arm64' : 'x64';

const runs = (pid: string, program: string): boolean => {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === program;
  } catch {
    return false; // it ended, or is another user's
  }
};
