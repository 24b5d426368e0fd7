import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CredentialQuestion, findCredential } from '../../../src/credentials/find.ts';
import { openCommandRunner } from '../../../src/credentials/run-command.ts';
import type { CredentialSource, Provider } from '../../../src/domain/credential.ts';
import { aTree, type Entry, link, program } from '../../support/trees.ts';

const value = 'the-value-0123456789';
const provider = (sources: readonly CredentialSource[]): Provider => ({
  ...{ name: 'test', description: '', present: [], fix: 'do this', sources },
  uses: [{ hosts: ['registry:npm', 'pip.example'], placements: [] }],
});
const look = async (
  source: CredentialSource,
  files: Record<string, string> = {},
  more: Partial<CredentialQuestion> = {},
) => {
  const home = aTree(files);
  const env = { PATH: process.env['PATH'] };
  const found = await findCredential(provider([source]), {
    ...{ env, home, runCommand: openCommandRunner(env, []), registries: { npm: [{ host: 'npm.example' }] } },
    ...more,
  });
  return found.kind === 'found' ? found.secret.reveal() : found;
};
const file = (path: string, text: string, rest: object) =>
  [{ kind: 'file', path: `~/${path}`, ...rest } as CredentialSource, { [path]: text }] as const;

describe('a credential is found in', () => {
  test('a variable', async () =>
    expect(await look({ kind: 'env', name: 'KEY' }, {}, { env: { KEY: ` ${value}\n` } })).toBe(value));
  test.each([
    ['a file with nothing else', ...file('token', `${value}\n`, { format: 'text' })],
    ['a JSON document', ...file('a.json', JSON.stringify({ a: { b: value } }), { format: 'json', keys: ['a', 'b'] })],
    [
      'an ini section',
      ...file('.pypirc', `[other]\npassword = no\n[pypi]\npassword = ${value}\n`, {
        format: 'ini',
        section: 'pypi',
        key: 'password',
      }),
    ],
    [
      'an npmrc, for the right host',
      ...file('.npmrc', `//other.example/:_authToken=no\n//npm.example/a/:_authToken="${value}"\n`, {
        format: 'npmrc',
      }),
    ],
    [
      'a netrc, for the right host',
      ...file(
        '.netrc',
        `machine other.example login x password no\nmachine pip.example\n login u\n password ${value}\n`,
        { format: 'netrc' },
      ),
    ],
  ])('%s', async (_, source, files) => expect(await look(source, files)).toBe(value));

  test('an npmrc that names a variable', async () => {
    const [source, files] = file('.npmrc', `//npm.example/:_authToken=\${TOKEN}`, { format: 'npmrc' });
    expect(await look(source, files, { env: { TOKEN: value } })).toBe(value);
  });

  test('what a command prints', async () => {
    const folder = aTree({ tool: program(`#!/bin/sh\necho "$1"\n`) });
    expect(await look({ kind: 'command', command: [join(folder, 'tool'), value] })).toBe(value);
  });
});

describe('a command that the sandbox’s command could have written is not run:', () => {
  const tool = program('#!/bin/sh\necho "$0-$KEPT-$BASH_ENV"\n');
  const run = (tree: Record<string, Entry>, path: readonly string[], command: string) => {
    const root = aTree(tree);
    const PATH = path.map((folder) => folder.replace('~', root)).join(':');
    const env = { PATH, KEPT: 'kept', BASH_ENV: join(root, 'planted') };
    return openCommandRunner(env, [join(root, 'work')])([command.replace('~', root)], 10_000);
  };
  const planted = { lack: expect.stringContaining("lies where a sandbox's command can write") };
  const own = { value: expect.stringMatching(/\/bin\/tool-kept-$/) };
  test.each<[string, Record<string, Entry>, string[], string, object]>([
    ['in its folder', { 'work/bin/tool': tool }, ['~/work/bin'], 'tool', planted],
    ['in a folder that leads there', { 'work/bin/tool': tool, bin: link('~/work/bin') }, ['~/bin'], 'tool', planted],
    ['a link to one there', { 'work/tool': tool, 'bin/tool': link('~/work/tool') }, ['~/bin'], 'tool', planted],
    ['by its path', { 'work/tool': tool }, [], '~/work/tool', planted],
    ['by a path that leads back', { 'work/tool': tool, 'bin/x': '' }, [], '~/bin/../work/tool', planted],
    ['by a path from a folder', { 'work/tool': tool }, [], 'work/tool', { lack: 'is not installed' }],
    ['but another one', { 'work/tool': tool, 'bin/tool': tool }, ['~/work', '.', '', '~/bin'], 'tool', own],
  ])('%s', async (_, tree, path, command, result) => expect(await run(tree, path, command)).toEqual(result));
});

describe('what was looked at is told, never a value:', () => {
  test.each([
    ['a variable', { kind: 'env', name: 'KEY' } as const, {}, 'the variable KEY: not set'],
    ['a missing file', { kind: 'file', path: '~/none', format: 'text' } as const, {}, '"~/none": does not exist'],
    ['a broken file', ...file('a.json', '{broken', { format: 'json', keys: ['a'] }), '"~/a.json" (a): holds none'],
    [
      'a wrong type',
      ...file('a.json', '{"a":{"b":1}}', { format: 'json', keys: ['a', 'b'] }),
      '"~/a.json" (a.b): holds none',
    ],
    ['a folder', { kind: 'file', path: '~/a', format: 'text' } as const, { 'a/b': '' }, '"~/a": is a folder'],
    [
      'no such command',
      { kind: 'command', command: ['sbox-no-such-command'] } as const,
      {},
      'the command "sbox-no-such-command": is not installed',
    ],
    [
      'a failing command',
      { kind: 'command', command: ['false'] } as const,
      {},
      'the command "false": ended with status 1',
    ],
    ['a silent command', { kind: 'command', command: ['true'] } as const, {}, 'the command "true": printed nothing'],
    [
      'a command that hangs',
      { kind: 'command', command: ['sleep', '60'], timeoutMs: 50 } as const,
      {},
      'the command "sleep 60": gave no answer within 50 ms',
    ],
  ])('%s', async (_, source, files, lack) =>
    expect(await look(source as CredentialSource, files)).toEqual({ kind: 'missing', looked: [lack], fix: 'do this' }),
  );
});

test('a pipe that nobody writes to is waited for by nobody', async () => {
  const home = aTree({});
  execFileSync('mkfifo', [join(home, 'pipe')]);
  const runCommand = async () => ({ lack: '' });
  const source = { kind: 'file', path: '~/pipe', format: 'text' } as const;
  const found = await findCredential(provider([source]), { env: {}, home, runCommand });
  expect(found).toMatchObject({ kind: 'missing', looked: ['"~/pipe": is not a plain file'] });
});

test('the first source that has one wins', async () => {
  const sources: CredentialSource[] = [
    { kind: 'env', name: 'A' },
    { kind: 'env', name: 'B' },
    { kind: 'env', name: 'C' },
  ];
  const runCommand = async () => ({ lack: '' });
  const found = await findCredential(provider(sources), { env: { A: '', B: value, C: 'no' }, home: '/', runCommand });
  expect(found).toMatchObject({ kind: 'found', source: 'the variable B' });
  expect(JSON.stringify(found)).not.toContain(value);
});
