import type { Readable } from 'node:stream';
import { exitCode, SboxError } from '../domain/errors.ts';
import type { CommandEnd, SandboxProcess } from './process.ts';

/** How a command ended, and what it wrote. */
export interface ExecResult<Output extends string | Buffer> extends CommandEnd {
  readonly stdout: Output;
  readonly stderr: Output;
}

export interface Collecting {
  readonly input?: string | Uint8Array | undefined;
  /** the most bytes of either stream */
  readonly maxBuffer: number;
  readonly encoding: BufferEncoding | 'buffer';
  readonly signal?: AbortSignal | undefined;
}

/** Gives a command its input, keeps what it writes, and waits for its end. Rejects with an SboxError, or the reason of an abortion. */
export const collectOutput = async (
  command: SandboxProcess,
  { input, maxBuffer, encoding, signal }: Collecting,
): Promise<ExecResult<string | Buffer>> => {
  let full: string | undefined;
  const end = (stream: string) => () => {
    full ??= stream;
    command.kill('SIGKILL');
  };
  const stdout = collect(command.stdout, maxBuffer, end('standard output'));
  const stderr = collect(command.stderr, maxBuffer, end('standard error'));
  if (input !== undefined) command.stdin?.end(input);
  const ended = await command.ended;
  signal?.throwIfAborted();
  if (full !== undefined) throw tooLong(full, maxBuffer);
  const render = (parts: readonly Buffer[]): string | Buffer => {
    const whole = Buffer.concat(parts);
    return encoding === 'buffer' ? whole : whole.toString(encoding);
  };
  return { ...ended, stdout: render(stdout), stderr: render(stderr) };
};

const collect = (stream: Readable | null, maxBytes: number, onFull: () => void): readonly Buffer[] => {
  const parts: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > maxBytes) onFull();
    else parts.push(part);
  });
  return parts;
};

const tooLong = (stream: string, maxBuffer: number): SboxError =>
  new SboxError({
    code: 'SBOX_E_USAGE',
    message: `cannot keep what the command writes to ${stream}: it is more than ${maxBuffer} bytes`,
    cause: 'the command was ended there',
    fix: 'raise maxBuffer, or read the streams of spawn(...)',
    exitCode: exitCode.failed,
  });
