import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { compile } from '../support/compile.ts';
import { needs, program } from '../support/needs.ts';
import { processesWith, uniqueDuration, until } from '../support/processes.ts';
import { openTerminal, terminals } from '../support/pty.ts';
import { aWorkspace, eachUser, sboxCommand, type Workspace } from '../support/sbox.ts';

const test = needs(terminals, program('gcc'), program('bash'));

const TIOCSTI = '5412';
const TIOCLINUX = '541c';
const highGarbage = 'deadbeef0000';
const quoted = (argv: readonly string[]) => argv.map((word) => `'${word}'`).join(' ');

/** Runs a line in a shell on a terminal, then shows what the shell finds in the terminal's input. */
const typedAfter = async (line: string, workspace: Workspace): Promise<string> => {
  const script = `${line}; echo "status $?"; stty -icanon min 0 time 2; echo "input <$(dd bs=100 count=1 2>/dev/null)>"; echo end`;
  await using terminal = openTerminal(['bash', '--norc', '-c', `stty -echo; ${script}`], workspace);
  return await terminal.expect(/end\r?\n/);
};

eachUser((as) => {
  const legacy = readFileSync('/proc/sys/dev/tty/legacy_tiocsti', 'utf8').trim() === '1' || as === 'root';
  const requests = [
    ['TIOCSTI', TIOCSTI],
    ['TIOCSTI with garbage in the high half', `${highGarbage}${TIOCSTI}`],
  ] as const;
  const places = ['0', '2', '/dev/tty'] as const;

  test.each(requests.flatMap(([name, request]) => places.map((place) => [name, place, request] as const)))(
    '%s on %s pushes nothing into the input of the terminal',
    async (_name, place, request) => {
      const workspace = aWorkspace(as);
      compile('escape/tty.c', join(workspace.cwd, 'tty'));
      const attack = ['./tty', request, place];
      if (legacy) expect(await typedAfter(quoted(attack), workspace)).toMatch(/pushed[\s\S]*input <SMUGGLED>/);
      const inside = await typedAfter(quoted(sboxCommand(['run', '-q', '--', ...attack])), workspace);
      expect(inside).toMatch(/Operation not permitted\r\nstatus 1\r\ninput <>/);
    },
  );

  if (process.arch === 'x64')
    test('TIOCSTI by the 32-bit entry of the kernel pushes nothing and ends the caller', async () => {
      const workspace = aWorkspace(as);
      compile('escape/tty.c', join(workspace.cwd, 'tty'));
      const attack = ['./tty', TIOCSTI, '0', 'int80'];
      if (legacy) expect(await typedAfter(quoted(attack), workspace)).toMatch(/pushed[\s\S]*input <SMUGGLED>/);
      const inside = await typedAfter(quoted(sboxCommand(['run', '-q', '--', ...attack])), workspace);
      expect(inside).toMatch(/status 159\r\ninput <>/);
    });

  test('TIOCLINUX is refused by the filter, whatever the terminal', async () => {
    const workspace = aWorkspace(as);
    compile('escape/tty.c', join(workspace.cwd, 'tty'));
    for (const request of [TIOCLINUX, `${highGarbage}${TIOCLINUX}`]) {
      const attack = ['./tty', request, '0'];
      expect(await typedAfter(quoted(attack), workspace)).toMatch('Inappropriate ioctl'); // it reached the terminal
      const inside = await typedAfter(quoted(sboxCommand(['run', '-q', '--', ...attack])), workspace);
      expect(inside).toMatch('Operation not permitted');
    }
  });

  test('a command in the background without the terminal among its streams can not read what is typed', async () => {
    const workspace = aWorkspace(as);
    compile('escape/steal-terminal.c', join(workspace.cwd, 'steal'));
    const attempt = async (argv: readonly string[], log: string) => {
      await using terminal = openTerminal(['bash', '--norc', '-i'], workspace);
      terminal.send(`${quoted(argv)} </dev/null >${log} 2>&1 & sleep 2; echo slept\r`);
      await terminal.expect(/\nslept/);
      terminal.send('hunter2\r');
      await new Promise((resolve) => setTimeout(resolve, 500));
      return readFileSync(join(workspace.cwd, log), 'utf8');
    };
    expect(await attempt(['./steal'], 'control')).toMatch('stolen');
    expect(await attempt(sboxCommand(['run', '-q', '--', './steal']), 'attack')).not.toMatch('stolen');
  });

  test('a command that stops itself does not outlive its time limit through what it started', async () => {
    const workspace = aWorkspace(as);
    const duration = uniqueDuration();
    const attack = ['sh', '-c', `sleep ${duration} & echo started; kill -STOP $$`];
    await using terminal = openTerminal(['bash', '--norc', '-i'], workspace);
    terminal.send(`${quoted(sboxCommand(['run', '-q', '--timeout', '1s', '--', ...attack]))}\r`);
    await terminal.expect(/[\r\n]started/);
    await terminal.expect('Stopped');
    await until('nothing of the run is left', () => processesWith(`sleep ${duration}`, 'whole').length === 0, 15_000);
  });
});
