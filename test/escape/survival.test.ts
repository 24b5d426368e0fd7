import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { processesWith, uniqueDuration, until } from '../support/processes.ts';
import { aWorkspace, eachUser, runOutside, runSbox, sboxCommand, startSbox } from '../support/sbox.ts';
import { startProgram } from '../support/start.ts';

const daemon = (duration: string) =>
  `(trap "" HUP TERM INT; setsid setsid sleep ${duration} </dev/null >/dev/null 2>&1 &) ; exit 3`;
/** Kills what is there and says how much that was: more may be on its way. */
const killAll = (duration: string): number => {
  const found = processesWith(duration);
  for (const pid of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ended meanwhile
    }
  }
  return found.length;
};
const mountsOfHost = () => readFileSync('/proc/self/mountinfo', 'utf8');

eachUser((as) => {
  test('a daemon of the command ends with the run', async () => {
    const workspace = aWorkspace(as);
    const duration = uniqueDuration();
    await runOutside(['sh', '-c', daemon(duration)], workspace);
    await until('the daemon outside runs', () => processesWith(`sleep ${duration}`).length > 0);
    await until('the daemon outside is gone', () => killAll(duration) === 0);
    expect(await runSbox(['run', '-q', '--', 'sh', '-c', daemon(duration)], workspace)).toMatchObject({ code: 3 });
    expect(processesWith(duration)).toEqual([]);
  });

  test('stopped and traced processes end with the run', async () => {
    const duration = uniqueDuration();
    const script = `sleep ${duration} & kill -STOP $!; sh -c 'kill -STOP $$; sleep ${duration}' & sleep 0.1; exit 4`;
    const ended = await runSbox(['run', '-q', '--', 'sh', '-c', script], aWorkspace(as));
    expect(ended.code).toBe(4);
    expect(processesWith(duration)).toEqual([]);
  });

  test('nothing survives a launcher that is killed at any moment of its start, and no mount appears outside', async () => {
    const workspace = aWorkspace(as);
    const before = mountsOfHost();
    const duration = uniqueDuration();
    const command = ['sh', '-c', daemon(duration).replace('exit 3', `sleep ${duration}`)];
    for (let delayMs = 0; delayMs < 400; delayMs += 12) {
      const launcher = startProgram(sboxCommand(['run', '-q', '--', ...command]), workspace);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      launcher.child.kill('SIGKILL');
      await launcher.ended;
    }
    await until('everything is gone', () => processesWith(duration).length === 0);
    expect(mountsOfHost()).toBe(before);
  });

  test('nothing survives a launcher that is killed while the command runs', async () => {
    const duration = uniqueDuration();
    const script = `(setsid sleep ${duration} &); echo ready; trap "" TERM; sleep ${duration}`;
    const run = startSbox(['run', '-q', '--', 'sh', '-c', script], aWorkspace(as));
    await run.says('ready');
    expect(processesWith(`sleep ${duration}`).length).toBeGreaterThan(0);
    run.child.kill('SIGKILL');
    await until('everything is gone', () => processesWith(duration).length === 0);
  });

  test('a command that clears its death signal and changes its dumpability ends all the same', async () => {
    const duration = uniqueDuration();
    const script = `import ctypes,os,time
c=ctypes.CDLL(None)
c.prctl(1,0); c.prctl(4,0); c.prctl(36,1); c.ptrace(0,0,0,0)
if os.fork()==0:
  os.setsid(); c.prctl(1,0)
  if os.fork()==0: os.execvp("sleep",["sleep","${duration}"])
print("ready",flush=True); time.sleep(1000)`;
    const run = startSbox(['run', '-q', '--', 'python3', '-c', script], aWorkspace(as));
    await run.says('ready');
    run.child.kill('SIGKILL');
    await until('everything is gone', () => processesWith(duration).length === 0);
  });
});
