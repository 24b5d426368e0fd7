import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { compile } from '../support/compile.ts';
import { needs, program } from '../support/needs.ts';
import { uniqueDuration } from '../support/processes.ts';
import { aWorkspace, eachUser, runOutside, runSbox, runScript, sboxCommand } from '../support/sbox.ts';
import { startProgram } from '../support/start.ts';

const test = needs(program('gcc'));

eachUser((as) => {
  test('processes outside can not be seen, and their environment not read', async () => {
    const workspace = aWorkspace(as);
    const duration = uniqueDuration();
    const outsider = startProgram(['sleep', duration], { ...workspace, env: { SECRET: 'of-the-outsider' } });
    const look = `ls -d /proc/${outsider.pid}; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'`;
    const outside = await runOutside(['sh', '-c', look], workspace);
    const inside = await runScript(look, workspace);
    outsider.child.kill('SIGKILL');
    expect(outside.stdout).toMatch(`/proc/${outsider.pid}\n`);
    expect(outside.stdout).toMatch(`\n${duration}\n`);
    expect(outside.stdout).toMatch('SECRET=of-the-outsider');
    expect(inside.stdout).toMatch('HOME='); // its own can be read
    expect(inside.stdout).not.toMatch(new RegExp(`^/proc/${outsider.pid}$|${duration}|of-the-outsider`, 'm'));
  });

  test("the supervisor's memory, files and root are out of reach, and it can't be traced", async () => {
    const workspace = aWorkspace(as);
    compile('escape/outsiders.c', `${workspace.cwd}/outsiders`);
    const script =
      'for name in root cwd exe; do readlink /proc/$1/$name >/dev/null && echo $name; done;' +
      'for name in environ mem maps auxv; do head -c1 /proc/$1/$name >/dev/null && echo $name; done;' +
      'ls /proc/$1/root/etc >/dev/null && echo root/etc; readlink /proc/$1/fd/* >/dev/null && echo fd; ./outsiders $1';
    const peer = startProgram(['sleep', uniqueDuration()], workspace);
    const outside = await runOutside(['sh', '-c', script, 'sh', String(peer.pid)], workspace);
    peer.child.kill('SIGKILL');
    const reach = ['root', 'cwd', 'exe', 'environ', 'maps', 'auxv', 'root/etc', 'fd'];
    const actions = ['kill', 'getpgid', 'priority', 'prlimit', 'pidfd', 'pidfd_getfd', 'vm_readv', 'mem', 'ptrace'];
    expect(outside.stdout.split('\n')).toEqual(
      expect.arrayContaining([...reach, ...actions.map((name) => `${name} ok`)]),
    );
    const peers = await runSbox(
      ['run', '-q', '--', 'sh', '-c', `sleep 9 & ${script.replaceAll('$1', '$!')}`],
      workspace,
    );
    expect(peers.stdout.split('\n')).toEqual(
      expect.arrayContaining([...reach, ...actions.map((name) => `${name} ok`)]),
    );
    const inside = await runSbox(['run', '-q', '--', 'sh', '-c', script, 'sh', '1'], workspace);
    const reached = inside.stdout.split('\n');
    for (const name of reach) expect(reached).not.toContain(name);
    for (const name of ['pidfd_getfd', 'vm_readv', 'mem', 'ptrace'])
      expect(inside.stdout).toMatch(new RegExp(`^${name} (EPERM|EACCES)$`, 'm'));
  });

  test('signals to everyone, to the own group and to the parent reach nobody outside', async () => {
    const workspace = aWorkspace(as);
    const duration = uniqueDuration();
    const attack = 'trap "" USR1; kill -USR1 -1; kill -USR1 0; kill -USR1 $PPID; kill -KILL 1; kill -STOP 1; exit 7';
    const around = (argv: readonly string[]) =>
      `sleep ${duration} & ${argv.map((word) => `'${word}'`).join(' ')}; echo "status $?"; kill -9 $! 2>/dev/null && echo alive`;
    const control = await runOutside(['setsid', '-w', 'sh', '-c', around(['sh', '-c', 'kill -USR1 0'])], workspace);
    expect(control.stdout).not.toMatch('alive');
    const inside = await runOutside(
      ['setsid', '-w', 'sh', '-c', around(sboxCommand(['run', '-q', '--', 'sh', '-c', attack]))],
      workspace,
    );
    expect(inside.stdout).toBe('status 7\nalive\n');
  });

  test('killing every process inside kills nobody outside', async () => {
    const workspace = aWorkspace(as);
    const outsider = startProgram(['sleep', uniqueDuration()], workspace);
    const ended = await runScript('kill -KILL -1; echo unreachable', workspace);
    const running = outsider.child.exitCode === null && outsider.child.signalCode === null;
    const state = readFileSync(`/proc/${outsider.pid}/stat`, 'utf8');
    outsider.child.kill('SIGKILL');
    expect(running && !/\) [ZXT] /.test(state)).toBe(true);
    expect(ended.stdout).toBe('unreachable\n'); // kill(-1) spares its caller
  });
});
