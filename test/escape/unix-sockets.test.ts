import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { fixture } from '../support/compile.ts';
import { file, needs } from '../support/needs.ts';
import { uniqueDuration } from '../support/processes.ts';
import { kernelRungs } from '../support/reach.ts';
import { aWorkspace, eachUser, runOutside, runSbox, type Workspace } from '../support/sbox.ts';
import { startProgram } from '../support/start.ts';

const python = '/usr/bin/python3';
const test = needs(file(python, 'python3'));
/** A program from standard input: the tests' own folder is not visible inside. */
const fromInput = [python, '-c', 'exec(open(0).read())'];
const attack = readFileSync(fixture('escape/unix.py'), 'utf8');

const kinds = ['stream', 'dgram', 'seqpacket'] as const;
type Kind = (typeof kinds)[number];

const serve = async (kind: Kind, address: string, workspace: Workspace) => {
  const server = startProgram([python, fixture('escape/unix-server.py'), kind, address], {
    ...workspace,
    stdin: 'pipe',
  });
  await server.says('ready');
  return {
    /** what came, once all of it has been read */
    end: async (): Promise<{ readonly messages: number; readonly connections: number }> => {
      server.child.stdin?.end();
      const { stdout } = await server.ended;
      const count = (word: string) => stdout.split(word).length - 1;
      return { messages: count('got stolen'), connections: count('accepted') };
    },
  };
};

const outcomes = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ')),
  );
const reached = (text: string): string[] =>
  Object.entries(outcomes(text)).flatMap(([way, outcome]) => (outcome === 'ok' ? [way] : []));

/** What gets through without sbox. */
const working: Readonly<Record<Kind, readonly string[]>> = {
  stream: ['plain', 'nonblocking'],
  dgram: ['plain', 'nonblocking', 'pair_dgram', 'pair_raw', 'pair_connect', 'sendto', 'sendmsg', 'pair_sendto'],
  seqpacket: ['plain', 'nonblocking'],
};
const workingByPath = ['relative', 'dotted', 'link', 'link_to_folder', 'descriptor', 'descriptor_of_socket', 'root'];

eachUser((as) => {
  describe.each(kernelRungs)('on %s', (rung) => {
    const places = [
      ['in the workspace', (workspace: Workspace) => join(workspace.cwd, 'socket'), []],
      ['in a folder that is shown', (workspace: Workspace) => join(workspace.base, 'shown/socket'), ['../shown']],
      ['in a folder that is shown writable', (workspace: Workspace) => join(workspace.base, 'rw/socket'), ['../rw:rw']],
      ['in an undeclared folder', (workspace: Workspace) => join(workspace.base, 'hidden/socket'), []],
      ['without a path', () => `@sbox-test-${uniqueDuration()}`, []],
    ] as const;

    test.each(kinds.flatMap((kind) => places.map(([place, address, mounts]) => ({ kind, place, address, mounts }))))(
      'no message reaches a $kind socket of the host $place',
      async ({ kind, address, mounts }) => {
        const workspace = aWorkspace(as);
        for (const folder of ['shown', 'rw', 'hidden']) workspace.mkdir(join(workspace.base, folder));
        const place = address(workspace);
        const argv = [...fromInput, kind, place];
        const server = await serve(kind, place, workspace);
        const outside = await runOutside(argv, { ...workspace, env: { TMPDIR: workspace.base }, stdin: attack });
        const expected = [...working[kind], ...(place.startsWith('@') ? [] : workingByPath)].sort();
        expect(reached(outside.stdout).sort()).toEqual(expected);

        const flags = ['--rung', rung, ...mounts.flatMap((mount) => ['-m', mount])];
        const inside = await runSbox(['run', '-q', ...flags, '--', ...argv], { ...workspace, stdin: attack });
        expect(reached(inside.stdout), inside.stdout + inside.stderr).toEqual([]);
        expect(Object.keys(outcomes(inside.stdout))).toEqual(Object.keys(outcomes(outside.stdout)));
        // every message of the control has come, and no other
        const { messages, connections } = await server.end();
        expect(messages).toBe(expected.length);
        // a server in a declared mount may see one that ends at once
        const isShown = mounts.length > 0 || place.startsWith(workspace.cwd);
        if (kind !== 'dgram' && !isShown) expect(connections).toBe(expected.length);
      },
    );

    test.each([
      ['stream', 'socket'],
      ['seqpacket', 'socket'],
      ['stream', '@name'],
      ['seqpacket', '@name'],
    ] as const)('a %s server that was made inside is reached there, at %s, in every way', async (kind, address) => {
      const workspace = aWorkspace(as);
      workspace.write('server.py', readFileSync(fixture('escape/unix-server.py')));
      workspace.write('client.py', attack);
      const place = address.startsWith('@') ? address : join(workspace.cwd, address);
      const script = `mkfifo in; ${python} server.py ${kind} ${place} <in >out & exec 5>in
while ! grep -q ready out 2>/dev/null; do :; done; ${python} client.py ${kind} ${place}; exec 5>&-; wait; grep -c got out`;
      const ended = await runSbox(['run', '-q', '--rung', rung, '--', 'sh', '-c', script], workspace);
      const lines = ended.stdout.trim().split('\n');
      const expected = [...working[kind], ...(address.startsWith('@') ? [] : workingByPath)].sort();
      expect(reached(lines.slice(0, -1).join('\n')).sort(), ended.stdout + ended.stderr).toEqual(expected);
      expect(lines.at(-1)).toBe(String(expected.length));
    });

    test('they are enforced, and may be required', async () => {
      const flags = ['--rung', rung, '--require', 'sockets,network'];
      expect(await runSbox(['run', '-q', ...flags, '--', 'true'], aWorkspace(as))).toMatchObject({ code: 0 });
    });
  });
});
