import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runLibrary } from '../../support/library.ts';
import { aGreeter } from '../../support/loopback.ts';
import { kernelRungs } from '../../support/reach.ts';
import { aWorkspace, eachUser, runScript } from '../../support/sbox.ts';

/** What a command can tell of its confinement; mounts without repeats, for a command of a sandbox has a /proc over the base's. */
const look = `
  grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status
  ls /proc/self/fd | wc -l
  sort -u /proc/self/mounts
  ulimit -a
  cat /proc/sys/user/max_user_namespaces
  ls / /etc /dev
  ls /proc | grep -v '^[0-9]'
  hostname; cat /proc/net/dev
  ls -A ~ /tmp
  for file in /proc/sysrq-trigger /proc/sys/kernel/hostname /etc/passwd /usr/x; do echo x > $file; done
  umount /proc; mount -t tmpfs x /tmp; unshare -Ur true
  env | sort`;

/** Without what differs between any two runs. */
const withoutNames = (text: string): string => text.replace(/runs\/[\w-]+/g, 'runs/NAME');

eachUser((as) => {
  describe.each(kernelRungs)('on %s', (rung) => {
    test('a command is confined as one of the command line is', async () => {
      const workspace = aWorkspace(as);
      const outside = await runScript(`{ ${look}\n} 2>&1; true`, workspace, [
        '--rung',
        rung,
        '--ephemeral',
        '--no-config',
      ]);
      const [first, second] = await runLibrary(
        `const box = await make();
         for (let index = 0; index < 2; index++)
           tell((await box.exec('sh', ['-c', ${JSON.stringify(`{ ${look}\n} 2>&1; true`)}])).stdout);
         await box.dispose();`,
        workspace,
        rung,
      );
      expect(withoutNames(String(first))).toBe(withoutNames(outside.stdout));
      expect(second).toBe(first);
    });

    test('names and hosts are those of the sandbox, for all of its commands at once', async () => {
      const greeter = await aGreeter('hello');
      const script = `for name in one.test two.test; do getent hosts $name; done
        python3 -c 'import socket; s = socket.create_connection(("one.test", ${greeter.port})); print(s.recv(9).decode())'`;
      const results = await runLibrary(
        `const network = { mode: 'limited', allow: ['one.test:${greeter.port}'], hosts: { 'one.test': '127.0.0.1' } };
         const box = await make({ network });
         const run = () => box.exec('sh', ['-c', ${JSON.stringify(script)}]);
         for (const { stdout, stderr } of await Promise.all(Array.from({ length: 5 }, run))) tell(stdout + stderr);
         tell((await run()).stdout);
         await box.dispose();`,
        aWorkspace(as),
        rung,
      );
      expect(new Set(results).size).toBe(1);
      expect(results[0]).toMatch(/^198\.18\.\d+\.\d+\s+one\.test\nhello\n$/);
    });

    test('a published port leads to whichever command listens there', async () => {
      const server = `require('node:net').createServer((s) => s.end(process.argv[1])).listen(7000, '127.0.0.1', () => console.log('up'))`;
      expect(
        await runLibrary(
          `import { connect, createServer } from 'node:net';
           const free = await new Promise((resolve) => {
             const server = createServer().listen(0, '127.0.0.1', () => {
               const { port } = server.address();
               server.close(() => resolve(port));
             });
           });
           const ask = () => new Promise((resolve) => {
             let text = '';
             connect(free, '127.0.0.1').on('data', (part) => (text += part)).on('error', () => {}).on('close', () => resolve(text));
           });
           const box = await make({ network: { mode: 'limited', publish: [free + ':7000'] } });
           tell(await ask());
           for (const text of ['one', 'two']) {
             const server = box.spawn('node', ['-e', ${JSON.stringify(server)}, text]);
             await new Promise((resolve) => server.stdout.once('data', resolve));
             tell(await ask());
             server.kill();
             await server.ended;
           }
           await box.dispose();`,
          aWorkspace(as),
          rung,
        ),
      ).toEqual(['', 'one', 'two']);
    });

    test('a hundred sandboxes with ten commands each leave nothing', async () => {
      const workspace = aWorkspace(as);
      const [own, result] = await runLibrary(
        `const open = () => readdirSync('/proc/self/fd').length;
         const children = () => readdirSync('/proc').filter((pid) => {
           try {
             return /^\\d+$/.test(pid) && Number(readFileSync('/proc/' + pid + '/stat', 'utf8').split(') ')[1].split(' ')[1]) === process.pid;
           } catch { return false; }
         }).length;
         const listeners = () => process.eventNames().map((name) => [String(name), process.listenerCount(name)]).sort();
         const commands = async (box, index) => {
           for (let round = 0; round < 2; round++) {
             const script = 'echo "$1" >> ~/file; cat ~/file | wc -l';
             const ended = await Promise.all([1, 2, 3, 4, 5].map(() => box.exec('sh', ['-c', script, 'sh', String(index)])));
             if (ended.some(({ exitCode, stderr }) => exitCode !== 0 || stderr !== '')) tell(ended);
           }
           return Number((await box.exec('sh', ['-c', 'sort -u ~/file'])).stdout) === index;
         };
         const warm = await make();
         await warm.exec('true');
         await warm.dispose();
         const before = { open: open(), children: children(), listeners: listeners() };
         tell(before.children);
         let right = 0;
         let next = 0;
         const one = async () => {
           while (next < 100) {
             const index = next++;
             const box = await make();
             if (await commands(box, index)) right++;
             await box.dispose();
           }
         };
         const held = await Promise.all(Array.from({ length: 20 }, () => make()));
         await Promise.all(Array.from({ length: 4 }, one));
         await Promise.all(held.map((box) => box.dispose()));
         const after = { open: open(), children: children(), listeners: listeners() };
         tell({ right, same: JSON.stringify(after) === JSON.stringify(before), runs: readdirSync(${JSON.stringify(`${workspace.stateHome}/sbox/runs`)}) });`,
        workspace,
        rung,
      );
      expect(own).toBe(0);
      expect(result).toEqual({ right: 100, same: true, runs: [] });
      expect(readdirSync(`${workspace.stateHome}/sbox`).sort()).toEqual(['capabilities.json', 'runs']);
    });
  });

  test('a sandbox that is not ephemeral is found again by its name, also by the command line', async () => {
    const workspace = aWorkspace(as);
    const config = JSON.stringify({ name: 'kept', ephemeral: false });
    await runLibrary(
      `const box = await make(${config}); await box.exec('sh', ['-c', 'echo kept > ~/file']); await box.dispose();`,
      workspace,
    );
    const again = `const box = await make(${config}); tell((await box.exec('sh', ['-c', 'cat ~/file'])).stdout); await box.dispose();`;
    expect(await runLibrary(again, workspace)).toEqual(['kept\n']);
    expect((await runScript('cat ~/file', workspace, ['--name', 'kept'])).stdout).toBe('kept\n');
  });

  test('it tells what it promises here', async () => {
    const [report] = await runLibrary(
      'const box = await make({ network: { mode: "none" } }); tell(box.report); await box.dispose();',
      aWorkspace(as),
      'namespaces',
    );
    expect(report).toMatchObject({ rung: 'namespaces', mechanism: { kind: 'namespaces' }, notes: expect.any(Array) });
    expect((report as { properties: unknown[] }).properties).toContainEqual(
      expect.objectContaining({ name: 'network', status: 'enforced' }),
    );
  });

  test('a wrong configuration is refused with every problem and the path of each', async () => {
    const refused = (config: string) => `await make(${config}).catch(({ code, message, problems }) =>
      tell({ code, message, problems: problems.map(({ message }) => message) }));`;
    const told = await runLibrary(
      [
        '{ network: { mode: "non", allow: ["ok.test", "http://x"] }, mounts: ["/a:/b:x"], unknown: 1 }',
        '{ policy: { extends: ["nope"], limits: { memory: "much" } } }',
        '{ policy: { extends: "nope" } }',
        '{ policy: {}, config: "x.json" }',
        '{ require: ["hide"], rung: "portable" }',
        '{ rung: "land" }',
        '{ workspace: "/no/such/folder" }',
        '{ policy: { mounts: [() => "/x"] } }',
      ]
        .map(refused)
        .join('\n'),
      aWorkspace(as),
    );
    expect(told.map((one) => (one as { code: string }).code)).toEqual([
      ...['SBOX_E_PROFILE', 'SBOX_E_PROFILE', 'SBOX_E_PROFILE', 'SBOX_E_USAGE'],
      ...['SBOX_E_REQUIRE', 'SBOX_E_USAGE', 'SBOX_E_WORKSPACE', 'SBOX_E_PROFILE'],
    ]);
    const paths = (at: number) =>
      (told[at] as { problems: string[] }).problems.map((text) => /^[\w.[\]]+/.exec(text)?.[0]);
    expect(paths(0)).toEqual(['network.mode', 'network.allow[1]', 'mounts[0]', 'unknown']);
    expect(paths(1)).toEqual(['policy.limits.memory']);
    expect((told[0] as { message: string }).message).toMatch(
      /^the configuration has 4 problems: network\.mode must be/,
    );
  });
});
