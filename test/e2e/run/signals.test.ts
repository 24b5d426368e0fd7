import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fixture } from '../../support/compile.ts';
import { file, needs } from '../../support/needs.ts';
import { processesWith, uniqueDuration, until } from '../../support/processes.ts';
import {
  aWorkspace,
  eachUser,
  runOutside,
  runScript,
  sboxCommand,
  startSbox,
  type Workspace,
} from '../../support/sbox.ts';
import { startProgram } from '../../support/start.ts';

const signals = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
  'SIGTSTP',
] as const;

/** A command that says each signal it gets, in a process group of its own that has no terminal. */
const startCounting = (workspace: Workspace) => {
  workspace.write('count.mjs', readFileSync(fixture('count-signals.mjs')));
  return startSbox(['run', '-q', '--', process.execPath, 'count.mjs', ...signals], {
    ...workspace,
    detached: true,
    stdin: 'pipe',
  });
};

const linesOf = (text: string) => text.trimEnd().split('\n');

eachUser((as) => {
  test.each([
    ['sbox alone', (pid: number) => pid],
    ['its whole process group', (pid: number) => -pid],
  ])('without a terminal, each signal to %s reaches the command exactly once', async (_, target) => {
    const started = startCounting(aWorkspace(as));
    await started.says('ready');
    for (const [index, signal] of signals.entries()) {
      process.kill(target(started.pid), signal);
      await until(`${signal}: ${started.stdout()}`, () => linesOf(started.stdout()).length >= index + 2);
    }
    started.child.stdin?.end();
    const { code, stdout } = await started.ended;
    expect({ code, said: linesOf(stdout) }).toEqual({ code: 0, said: ['ready', ...signals] });
  });

  test('a signal that ends the command ends sbox with 128 + its number', async () => {
    const started = startSbox(['run', '-q', '--', 'sh', '-c', 'echo ready; exec sleep 600'], aWorkspace(as));
    await started.says('ready');
    process.kill(started.pid, 'SIGTERM');
    expect(await started.ended).toMatchObject({ code: 143, signal: null });
  });

  test('a signal that arrives while the sandbox is being made ends the run, too', async () => {
    const workspace = aWorkspace(as);
    const duration = uniqueDuration();
    for (const delayMs of [10, 20, 30, 40, 50, 60, 70, 80]) {
      const started = startSbox(['run', '-q', '--', 'sleep', duration], workspace);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      process.kill(started.pid, 'SIGTERM');
      expect((await started.ended).status).toBe(143);
      await until(`the end after ${delayMs} ms`, () => processesWith(`sleep ${duration}`).length === 0);
    }
  });

  test('no signal is ignored inside that is not ignored outside', async () => {
    const workspace = aWorkspace(as);
    const show = ['grep', '^SigIgn', '/proc/self/status'];
    const beside = (argv: readonly string[]) => runOutside(['sh', '-c', '"$@"', 'sh', ...argv], workspace);
    const inside = await beside(sboxCommand(['run', '-q', '--', ...show]));
    expect(inside.stdout).toBe((await beside(show)).stdout);
  });

  test('kill(0) inside does not reach the process group outside', async () => {
    const workspace = aWorkspace(as);
    const attack = ['sh', '-c', 'kill -TERM 0; sleep 5'];
    const beside = (argv: readonly string[]) =>
      startProgram(['sh', '-c', 'sleep 600 & "$@"; kill -0 $! && echo alive; kill $!', 'sh', ...argv], {
        ...workspace,
        detached: true,
      }).ended;
    expect((await beside(attack)).stdout).not.toContain('alive');
    expect((await beside(sboxCommand(['run', '-q', '--', ...attack]))).stdout).toBe('alive\n');
  });

  test('kill(-1) inside ends the run and nothing outside', async () => {
    const workspace = aWorkspace(as);
    const duration = uniqueDuration();
    const outsider = startProgram(['sleep', duration], workspace);
    expect(
      (await runScript('[ "$(ls -d /proc/[0-9]* | wc -l)" -lt 9 ] && kill -KILL -1; sleep 1', workspace)).status,
    ).toBe(0);
    expect(processesWith(`sleep ${duration}`)).toEqual([outsider.pid]);
    outsider.child.kill('SIGKILL');
    await outsider.ended;
  });

  test('the supervisor can not be killed or stopped from inside', async () => {
    const script =
      'trap "" TERM INT QUIT SEGV; for s in KILL STOP TERM INT SEGV QUIT; do kill -$s 1 $PPID 2>/dev/null; done; echo "still here"; exit 3';
    expect(await runScript(script, aWorkspace(as))).toMatchObject({ code: 3, stdout: 'still here\n' });
  });

  needs(file('/usr/bin/python3', 'python3'))('orphans are reaped inside', async () => {
    const workspace = aWorkspace(as);
    const zombies = "grep -l '^[0-9]* ([^)]*) Z' /proc/[0-9]*/stat 2>/dev/null | wc -l";
    const unreaped = `import os, subprocess, time
if os.fork() == 0: os._exit(0)
time.sleep(0.2)
print(subprocess.run(['sh', '-c', "${zombies.replaceAll('\\', '\\\\')}"], capture_output=True, text=True).stdout, end='')`;
    const { stdout: control } = await runScript(
      `exec /usr/bin/python3 -c '${unreaped.replaceAll("'", "'\\''")}'`,
      workspace,
    );
    expect(control).toBe('1\n');
    const orphans = 'for i in 1 2 3 4 5 6 7 8; do (true & sleep 0.02 & ) ; done; sleep 0.3;';
    expect((await runScript(`${orphans} ${zombies}`, workspace)).stdout).toBe('0\n');
  });

  const leaveBehind = (duration: string) =>
    `setsid sleep ${duration} >/dev/null 2>&1 & nohup sleep ${duration} >/dev/null 2>&1 &
     (setsid sh -c "trap '' HUP TERM INT; sleep ${duration} & wait" >/dev/null 2>&1 &) ; sleep 0.3; echo left`;

  test('every descendant is gone when the command ends: detached, daemonised, with nohup', async () => {
    const workspace = aWorkspace(as);
    const [outside, inside] = [uniqueDuration(), uniqueDuration()];
    await runOutside(['sh', '-c', leaveBehind(outside)], workspace);
    const left = processesWith(outside);
    expect(left.length).toBeGreaterThanOrEqual(3);
    for (const pid of left) process.kill(pid, 'SIGKILL');

    expect((await runScript(leaveBehind(inside), workspace)).stdout).toBe('left\n');
    expect(processesWith(inside)).toEqual([]);
  });

  test('everything inside is gone when sbox itself is killed', async () => {
    const workspace = aWorkspace(as);
    const duration = uniqueDuration();
    const script = `${leaveBehind(duration)}; exec sleep ${duration}`;
    const started = startSbox(['run', '-q', '--', 'sh', '-c', script], workspace);
    await started.says('left');
    expect(processesWith(`sleep ${duration}`).length).toBeGreaterThanOrEqual(3);
    process.kill(started.pid, 'SIGKILL');
    await until('the end of what ran inside', () => processesWith(duration).length === 0);
  });
});
