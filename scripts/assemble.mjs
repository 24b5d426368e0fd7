// Turns src/syscall/native/*.s into src/syscall/interpreter.ts. Needs binutils for both architectures; run it after an edit of
// an .s file. test/unit/syscall/interpreter.test.ts checks that the two still agree.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const toolchains = { x64: '', arm64: 'aarch64-linux-gnu-' };
const root = new URL('..', import.meta.url).pathname;

/** @returns {{ hex: string, text: string }[]} the machine instructions of one architecture, as objdump prints them */
export const assemble = (arch) => {
  const folder = mkdtempSync(join(tmpdir(), 'assemble-'));
  try {
    const object = join(folder, 'out.o');
    execFileSync(`${toolchains[arch]}as`, [join(root, `src/syscall/native/interpreter.${arch}.s`), '-o', object]);
    const flags = arch === 'x64' ? ['-M', 'intel'] : [];
    const listing = execFileSync(`${toolchains[arch]}objdump`, ['-d', '-w', ...flags, object], { encoding: 'utf8' });
    return [...listing.matchAll(/^ +[0-9a-f]+:\t([0-9a-f ]+?)\s*\t(.*)$/gm)].map(([, bytes, text]) => ({
      hex: arch === 'arm64' ? Buffer.from(bytes, 'hex').reverse().toString('hex') : bytes.replaceAll(' ', ''),
      text: text
        .replace(/\s*(\/\/|#).*$/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const body = Object.keys(toolchains).map((arch) => {
    const lines = assemble(arch).map(({ hex, text }) => `    '${hex}', // ${text}`);
    return `  ${arch}: [\n${lines.join('\n')}\n  ],`;
  });
  writeFileSync(
    join(root, 'src/syscall/interpreter.ts'),
    `/**
 * Machine code of the interpreter of system-call programs, one instruction a line, written by scripts/assemble.mjs from
 * native/interpreter.*.s.
 */
export const interpreter = {
${body.join('\n')}
} as const;
`,
  );
}
