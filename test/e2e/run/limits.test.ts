import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { file, needs } from '../../support/needs.ts';
import { processesWith, uniqueDuration } from '../../support/processes.ts';
import { aWorkspace, eachUser, runOutside, runSbox, runScript, sboxCommand } from '../../support/sbox.ts';

const python = needs(file('/usr/bin/python3', 'python3'));
const runPython = (program: string, flags: readonly string[], as: 'root' | 'user') =>
  runSbox(['run', '-q', ...flags, '--', '/usr/bin/python3', '-c', program], aWorkspace(as));

eachUser((as) => {
  describe('--timeout', () => {
    test('ends the command with SIGTERM', async () => {
      const workspace = aWorkspace(as);
      const duration = uniqueDuration();
      const ended = await runSbox(['run', '--timeout', '1s', '--', 'sleep', duration], workspace);
      expect(ended.code).toBe(143);
      expect(ended.stderr).toContain('sbox: note: the time limit of 1 s was reached\n');
      expect(processesWith(duration)).toEqual([]);
    });

    test('kills one that ignores SIGTERM, with everything that it started', async () => {
      const workspace = aWorkspace(as);
      const duration = uniqueDuration();
      const script = `trap 'echo TERM' TERM; setsid sleep ${duration} >/dev/null & while :; do sleep 0.1; done`;
      const ended = await runScript(script, workspace, ['--timeout', '1s']);
      expect(ended).toMatchObject({ code: 137, stdout: 'TERM\n' });
      expect(processesWith(duration)).toEqual([]);
    });

    test('ends one that is stopped', async () => {
      expect(await runScript('kill -STOP $$; echo continued', aWorkspace(as), ['--timeout', '1s'])).toMatchObject({
        code: 143,
      });
    });

    test('says nothing of a command that was faster', async () => {
      expect(await runScript('exit 4', aWorkspace(as), ['--timeout', '1h'])).toMatchObject({ code: 4, stderr: '' });
    });
  });

  python('--memory bounds the private memory of a process', async () => {
    const allocate = "b = bytearray(300 * 2**20); print('allocated')";
    expect(await runPython(allocate, [], as)).toMatchObject({ stdout: 'allocated\n' });
    const ended = await runPython(allocate, ['--memory', '100M'], as);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('MemoryError');
  });

  python('--open-files bounds the open files of a process', async () => {
    const open = "fs = [open('/dev/null') for _ in range(60)]; print('opened')";
    expect(await runPython(open, [], as)).toMatchObject({ stdout: 'opened\n' });
    const ended = await runPython(open, ['--open-files', '32'], as);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('Too many open files');
  });

  test('--file-size bounds the size of a file', async () => {
    const workspace = aWorkspace(as);
    const fill = (name: string) => `head -c 3000000 /dev/zero > ${name}; echo $?`;
    expect((await runScript(fill('whole'), workspace)).stdout).toBe('0\n');
    expect((await runScript(fill('cut'), workspace, ['--file-size', '1M'])).stdout).not.toBe('0\n');
    expect(statSync(join(workspace.cwd, 'whole')).size).toBe(3_000_000);
    expect(statSync(join(workspace.cwd, 'cut')).size).toBe(1_048_576);
  });

  const fork = `import os, time
made = 0
try:
  for _ in range(60):
    if os.fork() == 0:
      time.sleep(60)
      os._exit(0)
    made += 1
except OSError as error:
  print(error.strerror)
print(made)`;

  if (as === 'user') {
    python('--processes bounds how many there are inside', async () => {
      expect((await runPython(fork, [], as)).stdout).toBe('60\n');
      const limited = linesOf((await runPython(fork, ['--processes', '20'], as)).stdout);
      expect(limited[0]).toBe('Resource temporarily unavailable');
      expect(Number(limited[1])).toBeLessThan(20);
    });
  } else {
    test('--processes is told to be partial: the kernel does not count those of uid 0', async () => {
      const { stderr } = await runSbox(['run', '--processes', '20', '--', 'true'], aWorkspace(as));
      expect(stderr).toContain(
        'limits partial (rlimits per process; the kernel does not count the processes of uid 0)',
      );
    });
  }

  test('core dumps are off', async () => {
    expect((await runScript('ulimit -c', aWorkspace(as))).stdout).toBe('0\n');
  });

  test('the limits that the operator has set stay as they are', async () => {
    const workspace = aWorkspace(as);
    // not by exec: Node raises the soft limit of open files at its start, and the caller's is the one that can still be read
    const limited = ['sh', '-c', 'ulimit -Sn 256; ulimit -Ss 4096; "$@"; exit $?', 'sh'];
    const show = ['sh', '-c', 'ulimit -Sn; ulimit -Ss'];
    expect((await runOutside([...limited, ...show], workspace)).stdout).toBe('256\n4096\n');
    expect((await runOutside([...limited, ...sboxCommand(['run', '-q', '--', ...show])], workspace)).stdout).toBe(
      '256\n4096\n',
    );
  });

  test('a limit above what the operator may set is a clear error, not a crash', async () => {
    const ended = await runSbox(['run', '-q', '--open-files', '99999999', '--', 'true'], aWorkspace(as));
    expect(ended.code).toBe(125);
    expect(ended.stderr).toContain('sbox: error: cannot limit open files to 99999999');
    expect(ended.stderr).toContain('  fix:   ');
  });

  test.each(['--memory', '--processes', '--open-files', '--file-size', '--timeout'])(
    '%s refuses what is no measure',
    async (flag) => {
      for (const value of ['', '0', '-1', 'lots', '1.5.2', '9e99']) {
        const ended = await runSbox(['run', '-q', `${flag}=${value}`, '--', 'true'], aWorkspace(as));
        expect({ value, code: ended.code }).toEqual({ value, code: 2 });
        expect(ended.stderr).toContain(flag);
      }
    },
  );
});

const linesOf = (text: string) => text.trimEnd().split('\n');
