import { describe, expect, test } from 'vitest';
import { runLibrary, startLibrary } from '../../support/library.ts';
import { processesWith, uniqueDuration, until } from '../../support/processes.ts';
import { kernelRungs } from '../../support/reach.ts';
import { aWorkspace, eachUser } from '../../support/sbox.ts';

const ended = { exitCode: 0, signal: null, timedOut: false, changed: [] };

eachUser((as) => {
  describe.each(kernelRungs)('on %s', (rung) => {
    const run = (body: string) =>
      runLibrary(`const box = await make(); ${body}; await box.dispose();`, aWorkspace(as), rung);

    test('a command gets its input, variables and folder, and gives its output and status', async () => {
      const [result] = await run(`
        await box.exec('mkdir', ['sub']);
        const options = { input: 'in', env: { X: 'x', USER: undefined }, cwd: 'sub' };
        tell(await box.exec('sh', ['-c', 'cat; echo "$X.$USER.$PWD" >&2; [ "$PWD" = "$(pwd)" ] || exit 1; exit 3'], options));
      `);
      expect(result).toEqual({
        ...ended,
        exitCode: 3,
        stdout: 'in',
        stderr: expect.stringMatching(/^x\.\.\/.*\/work\/sub\n$/),
      });
    });

    test('output is bytes where that is asked for', async () => {
      expect(
        await run(`
          const { stdout } = await box.exec('printf', ['\\\\377\\\\000'], { encoding: 'buffer' });
          tell([...stdout]);
          tell((await box.exec('printf', ['\\\\377'], { encoding: 'latin1' })).stdout);
        `),
      ).toEqual([[255, 0], '\u00ff']);
    });

    test('a command finds what an earlier one left in the workspace and in HOME', async () => {
      expect(
        await run(`
          await box.exec('sh', ['-c', 'echo one > file; echo two > ~/file']);
          tell(await box.exec('sh', ['-c', 'cat file ~/file']));
        `),
      ).toEqual([{ ...ended, stdout: 'one\ntwo\n', stderr: '' }]);
    });

    test('commands at once reach each other by the loopback of the sandbox, and can signal no process of each other', async () => {
      const server = `require('node:net').createServer((s) => s.end('hello')).listen(0, '127.0.0.1', function () {
        console.log(this.address().port);
      })`;
      const client = `require('node:net').connect(Number(process.argv[1]), '127.0.0.1').pipe(process.stdout)`;
      const [greeting, signalled, end] = await run(`
        const server = box.spawn('node', ['-e', ${JSON.stringify(server)}]);
        const port = String(await new Promise((resolve) => server.stdout.once('data', resolve))).trim();
        tell((await box.exec('node', ['-e', ${JSON.stringify(client)}, port])).stdout);
        tell((await box.exec('sh', ['-c', 'kill -0 ' + server.pid])).exitCode);
        server.kill();
        tell(await server.ended);
      `);
      expect([greeting, signalled]).toEqual(['hello', 1]);
      expect(end).toEqual({ ...ended, exitCode: null, signal: 'SIGTERM' });
    });

    test('what a command has started ends with it', async () => {
      const duration = uniqueDuration();
      const [left] = await run(`tell(await box.exec('sh', ['-c', 'sleep ${duration} > /dev/null 2>&1 & exit 0']));`);
      expect(left).toMatchObject({ exitCode: 0 });
      expect(processesWith(duration, 'part').filter((pid) => pid !== process.pid)).toEqual([]);
    });

    test('a name that is nowhere, and a file that is no program, reject with the reason', async () => {
      expect(
        await run(`
          for (const name of ['no-such-program', '/etc/passwd', './missing']) {
            await box.exec(name).then(tell, ({ code, exitCode, message }) => tell({ code, exitCode, message }));
          }
          tell((await box.exec('echo', ['still works'])).stdout);
        `),
      ).toEqual([
        { code: 'SBOX_E_NOT_FOUND', exitCode: 127, message: 'cannot find "no-such-program" in the sandbox' },
        { code: 'SBOX_E_NOT_EXECUTABLE', exitCode: 126, message: 'cannot execute "/etc/passwd": EACCES' },
        { code: 'SBOX_E_NOT_FOUND', exitCode: 127, message: 'cannot find "./missing" in the sandbox' },
        'still works\n',
      ]);
    });

    test('a time limit, an abortion and a signal end a command with all that it has started', async () => {
      const duration = uniqueDuration();
      const tree = `['-c', 'sleep ${duration} & sleep ${duration}']`;
      expect(
        await run(`
          tell(await box.exec('sh', ${tree}, { timeoutMs: 100 }));
          const controller = new AbortController();
          const aborted = box.exec('sh', ${tree}, { signal: controller.signal }).catch(({ name }) => name);
          setTimeout(() => controller.abort(), 100);
          tell(await aborted);
          tell(await box.exec('true', [], { signal: AbortSignal.abort() }).catch(({ name }) => name));
          const killed = box.spawn('sh', ${tree});
          killed.kill('SIGKILL');
          tell(await killed.ended);
          const early = box.spawn('sh', ${tree});
          early.kill();
          tell(await early.ended);
          tell([early.exitCode, early.signalCode, early.kill()]);
        `),
      ).toEqual([
        { ...ended, exitCode: null, signal: 'SIGTERM', timedOut: true, stdout: '', stderr: '' },
        'AbortError',
        'AbortError',
        { ...ended, exitCode: null, signal: 'SIGKILL' },
        { ...ended, exitCode: null, signal: 'SIGTERM' },
        [null, 'SIGTERM', false],
      ]);
      expect(processesWith(duration)).toEqual([]);
    });

    test('ten megabytes pass in both directions', async () => {
      expect(
        await run(`
          const { createHash, randomBytes } = await import('node:crypto');
          const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');
          const input = randomBytes(10 * 1024 * 1024);
          const { stdout } = await box.exec('cat', [], { input, encoding: 'buffer' });
          tell(hash(stdout) === hash(input));
          const cat = box.spawn('cat');
          const streamed = createHash('sha256');
          cat.stdout.on('data', (part) => streamed.update(part));
          cat.stdin.end(input);
          tell((await cat.ended).exitCode);
          tell(streamed.digest('hex') === hash(input));
        `),
      ).toEqual([true, 0, true]);
    });

    test('more output than is to be kept ends the command', async () => {
      expect(
        await run(`
          await box.exec('sh', ['-c', 'while :; do echo more; done'], { maxBuffer: 1000 }).catch(({ message }) => tell(message));
          tell((await box.exec('head', ['-c', '1000', '/dev/zero'], { maxBuffer: 1000 })).stdout.length);
        `),
      ).toEqual(['cannot keep what the command writes to standard output: it is more than 1000 bytes', 1000]);
    });

    test('a process tells its events as those of Node do', async () => {
      expect(
        await run(`
          const watch = async (child) => {
            for (const name of ['spawn', 'error', 'exit', 'close'])
              child.on(name, (...values) => tell([name, ...values.map((value) => value?.code ?? value)]));
            await child.ended.catch(() => {});
          };
          await watch(box.spawn('sh', ['-c', 'exit 4']));
          await watch(box.spawn('no-such-program'));
        `),
      ).toEqual([
        ['spawn'],
        ['exit', 4, null],
        ['close', 4, null],
        ['spawn'],
        ['error', 'SBOX_E_NOT_FOUND'],
        ['close', null, null],
      ]);
    });

    test('what the network is asked for is told', async () => {
      const connect = `require('node:net').connect(443, '192.0.2.1').on('error', ({ code }) => console.log(code))`;
      expect(
        await run(`
          box.on('decision', ({ decision: { verdict, host, port, reason } }) => tell({ verdict, host, port, reason }));
          tell((await box.exec('node', ['-e', ${JSON.stringify(connect)}])).stdout);
        `),
      ).toEqual([{ verdict: 'deny', host: '192.0.2.1', port: 443, reason: 'address-not-allowed' }, 'EACCES\n']);
    });

    test('dispose ends what runs, and nothing is started afterwards', async () => {
      const duration = uniqueDuration();
      const workspace = aWorkspace(as);
      const program = startLibrary(
        `const box = await make();
         const sleeping = box.spawn('sleep', ['${duration}']);
         await new Promise((resolve) => sleeping.once('spawn', resolve));
         await box.dispose();
         await box.dispose();
         tell(await sleeping.ended);
         await box.exec('true').catch(({ code }) => tell(code));
         tell(readdirSync(${JSON.stringify(`${workspace.stateHome}/sbox/runs`)}));`,
        workspace,
        rung,
      );
      const { stdout, stderr } = await program.ended;
      expect(stderr).toBe('');
      expect(
        stdout
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line)),
      ).toEqual([{ ...ended, exitCode: null, signal: 'SIGKILL' }, 'SBOX_E_USAGE', []]);
      expect(processesWith(duration)).toEqual([]);
    });

    test('a program that is killed leaves no process, and the next sandbox removes its folder', async () => {
      const duration = uniqueDuration();
      const workspace = aWorkspace(as);
      const program = startLibrary(
        `const box = await make();
         for (let index = 0; index < 3; index++) box.spawn('sh', ['-c', 'sleep ${duration} & sleep ${duration}']);
         await new Promise(() => setInterval(() => {}, 1000));`,
        workspace,
        rung,
      );
      await until('the commands run', () => processesWith(`sleep ${duration}`, 'whole').length === 6);
      program.child.kill('SIGKILL');
      await until('nothing is left', () => processesWith(duration).length === 0);
      const runs = JSON.stringify(`${workspace.stateHome}/sbox/runs`);
      const left = await runLibrary(
        `const box = await make(); tell(readdirSync(${runs}).length); await box.dispose(); tell(readdirSync(${runs}));`,
        workspace,
        rung,
      );
      expect(left).toEqual([1, []]);
    });

    test('a sandbox that nobody disposes of keeps no program alive', async () => {
      const { code, stderr } = await startLibrary(
        `const box = await make(); await box.exec('true');`,
        aWorkspace(as),
        rung,
      ).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    });
  });
});
