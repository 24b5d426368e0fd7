import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll } from 'vitest';
import { renderExecutable } from '../../src/syscall/elf.ts';
import type { Arch } from '../../src/syscall/numbers.ts';
import type { Program } from '../../src/syscall/program.ts';
import { type ProgramRecord, parseRecords } from '../../src/syscall/records.ts';
import { findProgram, type Need } from './needs.ts';

/** How a program of system calls ended. */
export interface InterpreterEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** what was written to descriptor 3 */
  readonly channel: Buffer;
}

/** The interpreter of one architecture as an executable, natively or under user-mode emulation. */
export interface Interpreter {
  /** sends the bytes, in these parts, and waits for the end */
  readonly send: (parts: readonly Uint8Array[]) => Promise<InterpreterEnd>;
  readonly run: (program: Program) => Promise<InterpreterEnd & { readonly records: readonly ProgramRecord[] }>;
  /** starts it with these descriptors; the third entry is what it gets as descriptor 3 */
  readonly start: (channel: 'pipe' | number | 'ignore') => ChildProcess;
}

/** What an architecture needs of a machine of another one. */
export const interpreterNeeds = (arch: Arch): readonly Need[] => {
  if (process.arch === arch) return [];
  const name = emulator[arch];
  return [{ what: `${name} (Debian: qemu-user)`, isThere: () => findProgram(name) !== undefined }];
};

const emulator: Record<Arch, string> = { x64: 'qemu-x86_64', arm64: 'qemu-aarch64' };

/** The program that emulates an architecture. */
export const emulatorOf = (arch: Arch): string => findProgram(emulator[arch]) ?? emulator[arch];

/** Writes the executable of an architecture; it is removed after the tests of the file. */
export const openInterpreter = (arch: Arch): Interpreter => {
  const folder = mkdtempSync(join(tmpdir(), 'sbox-interpreter-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = join(folder, arch);
  writeFileSync(path, renderExecutable(arch));
  chmodSync(path, 0o755);
  const argv = process.arch === arch ? [path] : [emulatorOf(arch), path];
  const start: Interpreter['start'] = (channel) =>
    spawn(argv[0] as string, argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit', channel] });
  const send: Interpreter['send'] = (parts) => {
    const child = start('pipe');
    const channel = child.stdio[3] as Duplex;
    void sendParts(channel, parts);
    return untilEnd(child, channel);
  };
  return {
    start,
    send,
    run: async (program) => {
      const end = await send([program.render()]);
      return { ...end, records: parseRecords(end.channel) };
    },
  };
};

const sendParts = async (channel: Duplex, parts: readonly Uint8Array[]): Promise<void> => {
  channel.on('error', () => {}); // it may end before it has read everything
  for (const part of parts) {
    channel.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  channel.end();
};

/** Waits for the end of a started interpreter. */
export const untilEnd = (child: ChildProcess, channel?: Duplex): Promise<InterpreterEnd> => {
  const [out, said]: [Buffer[], Buffer[]] = [[], []];
  child.stdout?.on('data', (part: Buffer) => out.push(part));
  channel?.on('data', (part: Buffer) => said.push(part));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(out).toString(), channel: Buffer.concat(said) });
    });
  });
};
