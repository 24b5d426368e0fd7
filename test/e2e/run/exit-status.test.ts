import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { aWorkspace, eachUser, runSbox, runScript, type Workspace } from '../../support/sbox.ts';

/** Runs with --status-fd and gives what was written to it. */
const runWithStatus = async (args: readonly string[], workspace: Workspace) => {
  const path = join(workspace.base, 'status.json');
  const fd = openSync(path, 'w');
  try {
    const ended = await runSbox(['run', '-q', '--status-fd', '3', ...args], { ...workspace, extra: [fd] });
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines.length).toBe(2);
    return { ended, status: JSON.parse(lines[0] ?? '') as Record<string, unknown> };
  } finally {
    closeSync(fd);
  }
};

eachUser((as) => {
  test('exit codes of the command pass through: those around each that means something, and some between', async () => {
    const workspace = aWorkspace(as);
    const codes = [
      0, 1, 2, 3, 63, 64, 65, 100, 123, 124, 125, 126, 127, 128, 129, 130, 131, 137, 143, 191, 192, 253, 254, 255,
    ];
    const seen: number[] = [];
    for (let from = 0; from < codes.length; from += 8) {
      const some = codes.slice(from, from + 8);
      const ended = await Promise.all(some.map((code) => runScript(`exit ${code}`, workspace)));
      seen.push(...ended.map(({ status }) => status));
    }
    expect(seen).toEqual(codes);
  });

  test.each(['SIGHUP', 'SIGINT', 'SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGUSR1', 'SIGABRT'] as const)(
    'a command killed by %s ends as a shell tells it: 128 + its number',
    async (signal) => {
      const ended = await runScript(`kill -${signal.slice(3)} $$; sleep 20`, aWorkspace(as));
      expect(ended).toMatchObject({ code: 128 + constants.signals[signal], signal: null, stderr: '' });
    },
  );

  test('a command killed by a real-time signal ends with 128 + its number', async () => {
    expect(await runScript('kill -40 $$; sleep 20', aWorkspace(as))).toMatchObject({ code: 168 });
  });

  describe('a command that is not there', () => {
    test.each([
      ['a name', 'no-such-program'],
      ['a path', '/usr/bin/no-such-program'],
      ['a relative path', './no-such-program'],
      ['a path below a file', '/usr/bin/env/x'],
    ])('as %s ends with 127, says so and how to look', async (_, command) => {
      const ended = await runSbox(['run', '-q', '--', command], aWorkspace(as));
      expect(ended).toMatchObject({ code: 127, stdout: '' });
      expect(ended.stderr).toContain(`sbox: error: cannot find "${command}" in the sandbox  [SBOX_E_NOT_FOUND]`);
      expect(ended.stderr).toContain('  fix:   ');
    });

    test('because the interpreter in its first line is missing ends with 127', async () => {
      const workspace = aWorkspace(as);
      workspace.write('script', '#!/no/such/interpreter\n', 0o755);
      const ended = await runSbox(['run', '-q', '--', './script'], workspace);
      expect(ended.code).toBe(127);
      expect(ended.stderr).toContain('the interpreter that its first line names');
    });

    test('because it lies outside the sandbox ends with 127', async () => {
      const workspace = aWorkspace(as);
      workspace.write(join(workspace.base, 'elsewhere/data'), 'x');
      const ended = await runSbox(['run', '-q', '--', 'cat', join(workspace.base, 'elsewhere/data')], workspace);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain('No such file or directory');
    });
  });

  describe('a command that can not be executed', () => {
    test('a file without the permission ends with 126', async () => {
      const workspace = aWorkspace(as);
      workspace.write('plain', 'echo hello\n', 0o644);
      const ended = await runSbox(['run', '-q', '--', './plain'], workspace);
      expect(ended.code).toBe(126);
      expect(ended.stderr).toContain('cannot execute "./plain": EACCES  [SBOX_E_NOT_EXECUTABLE]');
      expect(ended.stderr).toContain('cause: it is a directory, not executable for this user, or');
      expect(ended.stderr).toContain('fix:   look at it with: ls -ld "./plain"');
    });

    test('a directory ends with 126', async () => {
      const workspace = aWorkspace(as);
      mkdirSync(join(workspace.cwd, 'folder'));
      const ended = await runSbox(['run', '-q', '--', './folder'], workspace);
      expect(ended.code).toBe(126);
      expect(ended.stderr).not.toContain('chmod');
    });

    test('a file of PATH without the permission ends with 126 only if no later one can be executed', async () => {
      const workspace = aWorkspace(as);
      await runScript('mkdir -p ~/.local/bin; echo > ~/.local/bin/env; echo > ~/.local/bin/only-here', workspace);
      expect(await runSbox(['run', '-q', '--', 'env'], workspace)).toMatchObject({ code: 0 });
      expect(await runSbox(['run', '-q', '--', 'only-here'], workspace)).toMatchObject({ code: 126 });
    });

    test('a binary of another machine ends with 126', async () => {
      const workspace = aWorkspace(as);
      const header = Buffer.alloc(64);
      header.write('\x7fELF\x02\x01\x01', 'latin1');
      header.writeUInt16LE(2, 16);
      header.writeUInt16LE(22, 18); // s390
      workspace.write('foreign', header, 0o755);
      const ended = await runSbox(['run', '-q', '--', './foreign'], workspace);
      expect(ended.code).toBe(126);
    });
  });

  test('a script without an interpreter line is run by sh, with its arguments', async () => {
    const workspace = aWorkspace(as);
    workspace.write('script', 'echo "$0 $1 $#"; exit 7\n', 0o755);
    expect(await runSbox(['run', '-q', '--', './script', 'a b', ''], workspace)).toMatchObject({
      code: 7,
      stdout: `${workspace.cwd}/script a b 2\n`,
    });
  });

  test('arguments arrive as they are: empty, with blanks, newlines, quotes, dashes and unicode', async () => {
    const words = ['', ' ', 'a b', "it's", '"q"', '\n', '--net', '-q', '--', '$HOME', '*', '\u{1f980}', '\\'];
    const print = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))';
    const ended = await runSbox(['run', '-q', '--', process.execPath, '-e', print, '--', ...words], aWorkspace(as));
    expect(JSON.parse(ended.stdout)).toEqual(words);
  });

  describe('--status-fd', () => {
    test("tells the command's own exit code from sbox's", async () => {
      const { ended, status } = await runWithStatus(['--', 'sh', '-c', 'exit 125'], aWorkspace(as));
      expect(ended.code).toBe(125);
      expect(status).toMatchObject({ source: 'command', exitCode: 125, timedOut: false });
      expect(status).not.toHaveProperty('signal');
    });

    test('names the signal that killed the command', async () => {
      const { status } = await runWithStatus(['--', 'sh', '-c', 'kill -SEGV $$'], aWorkspace(as));
      expect(status).toMatchObject({ source: 'command', exitCode: 139, signal: 'SIGSEGV' });
    });

    test.each([
      ['not found', ['--', 'no-such-program'], 127, 'SBOX_E_NOT_FOUND'],
      ['a bad mount', ['--mount', '/no/such/source', '--', 'true'], 2, 'SBOX_E_MOUNT'],
      ['a bad option', ['--net', 'sometimes', '--', 'true'], 2, 'SBOX_E_USAGE'],
    ])("says that the failure is sbox's: %s", async (_, args, exitCode, code) => {
      const { ended, status } = await runWithStatus(args, aWorkspace(as));
      expect(ended.code).toBe(exitCode);
      expect(status).toMatchObject({ source: 'sbox', exitCode, error: { code, exitCode } });
    });

    test.each([1, 2])('may be a stream of the command: %s', async (fd) => {
      const args = ['run', '-q', '--status-fd', String(fd), '--', 'sh', '-c', 'echo out; echo err >&2; exit 3'];
      const ended = await runSbox(args, aWorkspace(as));
      const [word, line, ...rest] = (fd === 1 ? ended.stdout : ended.stderr).split('\n');
      expect([ended.code, word, rest]).toEqual([3, fd === 1 ? 'out' : 'err', ['']]);
      expect(JSON.parse(line ?? '')).toMatchObject({ source: 'command', exitCode: 3 });
    });

    test('is not open in the command', async () => {
      const { ended } = await runWithStatus(['--', 'sh', '-c', 'echo /proc/self/fd/*'], aWorkspace(as));
      expect(ended.stdout).not.toContain('/proc/self/fd/4');
    });

    test('refuses a descriptor that is not open, before anything runs', async () => {
      const workspace = aWorkspace(as);
      const ended = await runSbox(['run', '--status-fd', '77', '--', 'touch', 'ran'], workspace);
      expect(ended.code).toBe(2);
      expect(ended.stderr).toContain('cannot use --status-fd 77: it is not an open descriptor  [SBOX_E_USAGE]');
      expect((await runScript('ls', workspace)).stdout).toBe('');
    });
  });

  test('--json makes every message of its own a JSON line on standard error', async () => {
    const workspace = aWorkspace(as);
    const { stderr } = await runSbox(['run', '--json', '--', 'sh', '-c', 'mkdir -p .vscode; exit 4'], workspace);
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ event }) => event)).toEqual(['start', 'end']);
    expect(events[0]).toMatchObject({ rung: 'namespaces', sandbox: expect.any(String), properties: expect.any(Array) });
    expect(events[1]).toMatchObject({ exitCode: 4, timedOut: false, changed: [expect.stringMatching(/\.vscode$/)] });

    const failed = await runSbox(['run', '--json', '--mount', '/no/such', '--', 'true'], workspace);
    expect(JSON.parse(failed.stderr)).toMatchObject({ event: 'error', code: 'SBOX_E_MOUNT', exitCode: 2 });
  });

  test('--quiet says nothing of a run that works; without it what is not enforced is told in one line', async () => {
    const workspace = aWorkspace(as);
    const open = ['run', '--net', 'full'];
    expect((await runSbox([...open, '--quiet', '--', 'true'], workspace)).stderr).toBe('');
    expect((await runSbox([...open, '--', 'true'], workspace)).stderr).toMatch(/^sbox: not enforced: [^\n]+\n$/);
  });
});
