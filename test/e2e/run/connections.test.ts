import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { fixture } from '../../support/compile.ts';
import { aClosedPort, aGreeter } from '../../support/loopback.ts';
import { file, needs } from '../../support/needs.ts';
import { kernelRungs } from '../../support/reach.ts';
import { aWorkspace, eachUser, runOutside, runSbox } from '../../support/sbox.ts';

const python = '/usr/bin/python3';
const test = needs(file(python, 'python3'));
const program = readFileSync(fixture('network/clients.py'), 'utf8');

const checks = [
  ...[
    'poll',
    'select_',
    'epoll',
    'epoll_before',
    'nonblocking_refused',
    'refused',
    'twice',
    'disconnected',
    'cut_short',
    'flags',
    'duplicates',
    'inherited',
  ],
  ...['names', 'threads', 'many', 'mapped', 'dual', 'http_', 'signals', 'handlers', 'both_ways'],
];

const withServers = async () => ({
  LISTED: String((await aGreeter('hello')).port),
  CLOSED: String(await aClosedPort()),
});

eachUser((as) => {
  const clients = (names: readonly string[]) => [python, '-c', 'exec(open(0).read())', ...names];

  test('all of this works without sbox', async () => {
    const env = await withServers();
    const ended = await runOutside(clients([...checks, 'datagrams']), { ...aWorkspace(as), env, stdin: program });
    expect(ended.stdout).toBe([...checks, 'datagrams'].map((name) => `${name} ok\n`).join(''));
  });

  describe.each(kernelRungs)('on %s', (rung) => {
    test.each([...checks, 'datagrams'])('clients keep working: %s', async (name) => {
      const ports = await withServers();
      const env = Object.entries(ports).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
      const flags = ['--rung', rung, '--allow', `localhost:${ports.LISTED}`, ...env];
      const options = { ...aWorkspace(as), stdin: program };
      const ended = await runSbox(['run', '-q', ...flags, '--', ...clients([name])], options);
      expect(ended.stdout, ended.stderr).toBe(`${name} ok\n`);
    });

    test('a server of Node and fetch find each other inside', async () => {
      const script = `const server = require('http').createServer((_, answer) => answer.end('hello'));
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  for (const host of ['127.0.0.1', 'localhost'])
    console.log(await (await fetch('http://' + host + ':' + port)).text());
  server.close();
});`;
      const ended = await runSbox(['run', '-q', '--rung', rung, '--', 'node', '-e', script], aWorkspace(as));
      expect(ended, ended.stderr).toMatchObject({ stdout: 'hello\nhello\n', code: 0 });
    });
  });
});
