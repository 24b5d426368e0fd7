import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkspace, eachUser, runOutside, runSbox, type Workspace } from '../support/sbox.ts';

const withOpen = async <T>(path: string, flags: number, use: (fd: number) => Promise<T>): Promise<T> => {
  const fd = openSync(path, flags);
  try {
    return await use(fd);
  } finally {
    closeSync(fd);
  }
};

const both = async (
  script: string,
  workspace: Workspace,
  streams: { stdin?: number; stderr?: number; extra?: number[] },
) => ({
  outside: await runOutside(['sh', '-c', script], { ...workspace, ...streams }),
  inside: await runSbox(['run', '-q', '--', 'sh', '-c', script], { ...workspace, ...streams }),
});

eachUser((as) => {
  test('a descriptor above 2 is not inherited', async () => {
    const workspace = aWorkspace(as);
    const secret = workspace.write(join(workspace.base, 'outside/secret'), 'secret');
    await withOpen(secret, constants.O_RDONLY, async (fd) => {
      const extra = [fd, fd, fd, fd];
      const { outside, inside } = await both('cat /proc/self/fd/3 /proc/self/fd/6', workspace, { extra });
      expect(outside.stdout).toMatch('secret');
      expect(inside).toMatchObject({ stdout: '', code: 1 });
    });
  });

  test.each(['stdin', 'stderr'] as const)(
    'a directory given as %s does not lead out of the sandbox',
    async (stream) => {
      const workspace = aWorkspace(as);
      workspace.write(join(workspace.base, 'outside/secret'), 'secret');
      const folder = workspace.mkdir(join(workspace.base, 'outside/folder'));
      const number = stream === 'stdin' ? 0 : 2;
      const script = `cat /proc/self/fd/${number}/../secret`;
      await withOpen(folder, constants.O_RDONLY | constants.O_DIRECTORY, async (fd) => {
        const { outside, inside } = await both(script, workspace, { [stream]: fd });
        expect(outside.stdout).toBe('secret');
        expect(inside.stdout).toBe('');
      });
    },
  );

  test('a file given as standard input for reading can not be opened for writing', async () => {
    const workspace = aWorkspace(as);
    const attack = async (run: typeof runSbox, argv: readonly string[], name: string) => {
      const file = workspace.write(join(workspace.base, name), 'input');
      await withOpen(file, constants.O_RDONLY, (stdin) => run(argv, { ...workspace, stdin }));
      return readFileSync(file, 'utf8');
    };
    const shell = ['sh', '-c', 'echo changed >/proc/self/fd/0'];
    expect(await attack(runOutside, shell, 'control')).toBe('changed\n');
    expect(await attack(runSbox, ['run', '-q', '--', ...shell], 'input')).toBe('input');
  });

  test('nor can a named pipe', async () => {
    const workspace = aWorkspace(as);
    const attack = async (run: typeof runSbox, argv: readonly string[], name: string) => {
      const fifo = join(workspace.mkdir(join(workspace.base, name)), 'fifo');
      execFileSync('mkfifo', ['-m', '666', fifo]);
      return withOpen(fifo, constants.O_RDWR | constants.O_NONBLOCK, async (all) => {
        await withOpen(fifo, constants.O_RDONLY, (stdin) => run(argv, { ...workspace, stdin }));
        const written = Buffer.alloc(100);
        writeSync(all, 'end');
        return written.toString('utf8', 0, readSync(all, written));
      });
    };
    const shell = ['sh', '-c', 'echo changed >/proc/self/fd/0'];
    expect(await attack(runOutside, shell, 'control')).toBe('changed\nend');
    expect(await attack(runSbox, ['run', '-q', '--', ...shell], 'input')).toBe('end');
  });

  test('a limit that SECURITY.md names: the mode of a file given as standard input can be changed', async () => {
    const workspace = aWorkspace(as);
    const attack = async (run: typeof runSbox, argv: readonly string[], name: string) => {
      const file = workspace.write(join(workspace.base, name), 'input', 0o600);
      await withOpen(file, constants.O_RDONLY, (stdin) => run(argv, { ...workspace, stdin }));
      return statSync(file).mode & 0o777;
    };
    const shell = ['sh', '-c', 'chmod 666 /proc/self/fd/0'];
    expect(await attack(runOutside, shell, 'control')).toBe(0o666);
    expect(await attack(runSbox, ['run', '-q', '--', ...shell], 'input')).toBe(0o666);
    expect(readFileSync('SECURITY.md', 'utf8')).toMatch(/modes, owners and times of such a file/);
  });
});
