import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SboxError } from '../../../src/domain/errors.ts';
import { loadProfile } from '../../../src/profile/load.ts';
import { trustDocument } from '../../../src/profile/trust.ts';
import { policyFolders, shippedProfilesDir } from '../../support/policy-folders.ts';

const shipped = (name: string): string => join(shippedProfilesDir, `${name}.json`);
const failure = (promise: Promise<unknown>): Promise<SboxError> =>
  promise.then(
    () => Promise.reject(new Error('it was loaded')),
    (error: unknown) => error as SboxError,
  );
const trusted = async (folders: ReturnType<typeof policyFolders>, content: object | string): Promise<string> => {
  const file = folders.write('work/sbox.json', content);
  await trustDocument(file, readFileSync(file), folders.stateDir);
  return file;
};

describe('the order of merging', () => {
  test('default is the base of every run', async () => {
    const profile = await loadProfile(policyFolders().request());
    expect(profile).toMatchObject({
      sources: [shipped('default')],
      network: { mode: 'limited' },
      userNamespaces: false,
      mounts: [],
    });
    expect(profile.protect).toContain('.git/hooks');
    expect(profile.env.pass).toContain('LC_*');
  });

  test('default, then what sbox.json extends, then sbox.json, then --profile in order', async () => {
    const folders = policyFolders();
    folders.profile('deep', { env: { set: { X: 'deep', DEEP: '1' } } });
    const mine = folders.profile('mine', { extends: 'deep', env: { set: { X: 'mine' } } });
    const last = folders.profile('last', { env: { set: { X: 'last' } } });
    const config = await trusted(folders, { extends: ['mine', 'node'], env: { set: { X: 'workspace' } } });
    const deep = join(folders.configDir, 'profiles/deep.json');
    const without = await loadProfile(folders.request());
    expect(without.sources).toEqual([shipped('default'), deep, mine, shipped('node'), config]);
    expect(without.env.set).toMatchObject({ X: 'workspace', DEEP: '1' });
    const profile = await loadProfile(folders.request({ names: ['last', 'python'] }));
    expect(profile.sources).toEqual([shipped('default'), deep, mine, shipped('node'), config, last, shipped('python')]);
    expect(profile.env.set.X).toBe('last');
  });

  test('a profile that is reached twice applies once, where it was reached first', async () => {
    const folders = policyFolders();
    const base = folders.profile('base', {});
    const left = folders.profile('left', { extends: 'base' });
    const right = folders.profile('right', { extends: ['base', 'default'] });
    const profile = await loadProfile(folders.request({ names: ['left', 'right', 'left'] }));
    expect(profile.sources).toEqual([shipped('default'), left.replace('left', 'base'), left, right]);
    expect(base).toBe(left.replace('left', 'base'));
  });

  test('--config takes the place of sbox.json, needs no trust, and may be a link or hold relative mounts', async () => {
    const folders = policyFolders();
    folders.write('work/sbox.json', { env: { set: { X: 'workspace' } } });
    const configFile = folders.write('elsewhere/policy.json', '{ "mounts": ["data:rw"], } // mine');
    const profile = await loadProfile(folders.request({ configFile }));
    expect(profile.sources).toEqual([shipped('default'), configFile]);
    expect(profile.mounts).toEqual([
      { source: 'data', mode: 'rw', base: join(folders.root, 'elsewhere'), origin: `${configFile}:1:14` },
    ]);
  });

  test('--no-config ignores sbox.json, whatever it is', async () => {
    const folders = policyFolders();
    mkdirSync(join(folders.workspace, 'sbox.json'));
    await expect(loadProfile(folders.request({ ignoreWorkspaceConfig: true }))).resolves.toMatchObject({
      sources: [shipped('default')],
    });
  });

  test('relative mounts of sbox.json and of profiles start from the workspace', async () => {
    const folders = policyFolders();
    folders.profile('mine', { mounts: ['a', '~/b'] });
    await trusted(folders, { mounts: [{ source: 'c', target: '/c', mode: 'copy' }] });
    const { mounts } = await loadProfile(folders.request({ names: ['mine'] }));
    expect(mounts.map(({ source, base }) => [source, base])).toEqual([
      ['c', folders.workspace],
      ['a', folders.workspace],
      ['~/b', folders.workspace],
    ]);
  });

  test('rules of the network carry their places, and a profile that is extended gives its own', async () => {
    const folders = policyFolders();
    const configFile = folders.write(
      'c.json',
      '{ "extends": "node", "network": {\n  "allow": ["*.Example.com:8443"], "deny": ["x.test"],\n  "hosts": { "API.test": "127.0.0.1:1" }, "publish": ["1:2"] } }',
    );
    const { network } = await loadProfile(folders.request({ configFile }));
    expect(network).toEqual({
      mode: 'limited',
      allow: [
        { text: 'registry:npm', origin: `${shipped('node')}:1:1`, match: { kind: 'registry', client: 'npm' } },
        {
          text: '*.Example.com:8443',
          origin: `${configFile}:2:13`,
          match: { kind: 'name', name: 'example.com', subdomains: true },
          port: 8443,
        },
      ],
      deny: [
        { text: 'x.test', origin: `${configFile}:2:45`, match: { kind: 'name', name: 'x.test', subdomains: false } },
      ],
      hosts: { 'api.test': { address: '127.0.0.1', port: 1, origin: `${configFile}:3:26` } },
      publish: [{ hostPort: 1, port: 2, origin: `${configFile}:3:55` }],
    });
  });

  test('values come in final units', async () => {
    const folders = policyFolders();
    folders.profile('mine', {
      limits: { memory: '1K', fileSize: 5, timeout: '1m', processes: 2, openFiles: 3 },
      protect: ['./x/'],
      path: { tools: ['git'] },
      require: ['hide'],
      userNamespaces: true,
      command: ['sh'],
      env: { passIfVisible: ['V'] },
    });
    const profile = await loadProfile(folders.request({ names: ['mine'] }));
    expect(profile).toMatchObject({
      limits: { memoryBytes: 1024, fileSizeBytes: 5, timeoutMs: 60_000, processes: 2, openFiles: 3 },
      path: { tools: ['git'] },
      require: ['hide'],
      userNamespaces: true,
      command: ['sh'],
    });
    expect(profile.protect).toContain('x');
    expect(profile.env.passIfVisible).toContain('V');
  });
});

describe('names of profiles', () => {
  test("the user's own wins over a shipped one of the same name", async () => {
    const folders = policyFolders();
    const node = folders.profile('node', { env: { set: { MINE: '1' } } });
    const profile = await loadProfile(folders.request({ names: ['node'] }));
    expect(profile.sources).toEqual([shipped('default'), node]);
    expect(profile.env.set).toEqual({ MINE: '1' });
  });

  test("the user's own default adds to the shipped one only when it is named", async () => {
    const folders = policyFolders();
    const own = folders.profile('default', { protect: ['mine'] });
    expect((await loadProfile(folders.request())).sources).toEqual([shipped('default')]);
    expect((await loadProfile(folders.request({ names: ['default'] }))).sources).toEqual([shipped('default'), own]);
  });

  test('an unknown name is refused with the nearest and all names', async () => {
    const folders = policyFolders();
    folders.profile('mine', {});
    expect(await failure(loadProfile(folders.request({ names: ['nod'] })))).toMatchObject({
      code: 'SBOX_E_PROFILE',
      exitCode: 2,
      message: 'unknown profile "nod"',
      fix: 'did you mean "node"? profiles: aider, claude-code, codex, default, gemini, mine, node, opencode, python, strict',
    });
    expect(await failure(loadProfile(folders.request({ names: ['../etc/x'] })))).toMatchObject({
      code: 'SBOX_E_PROFILE',
      exitCode: 2,
      message: '"../etc/x" is not the name of a profile',
    });
  });

  test('every unknown name in extends is a problem at its place', async () => {
    const folders = policyFolders();
    const file = folders.profile('mine', '{ "extends": ["pyton",\n "node", "zebra"] }');
    const hint = 'profiles: aider, claude-code, codex, default, gemini, mine, node, opencode, python, strict';
    const error = await failure(loadProfile(folders.request({ names: ['mine'] })));
    expect(error).toMatchObject({ code: 'SBOX_E_PROFILE', exitCode: 2, message: `"${file}" has 2 problems` });
    expect(error.problems).toEqual([
      {
        message: 'unknown profile "pyton"',
        hint: `did you mean "python"? ${hint}`,
        place: { file, line: 1, column: 15 },
      },
      { message: 'unknown profile "zebra"', hint, place: { file, line: 2, column: 10 } },
    ]);
  });

  test.each([
    [{ a: 'a' }, 'a -> a'],
    [{ a: 'b', b: 'a' }, 'a -> b -> a'],
    [{ a: 'b', b: 'c', c: 'b' }, 'b -> c -> b'],
  ])('a cycle is refused and named: %j', async (graph, chain) => {
    const folders = policyFolders();
    for (const [name, other] of Object.entries(graph)) folders.profile(name, { extends: other });
    expect(await failure(loadProfile(folders.request({ names: ['a'] })))).toMatchObject({
      code: 'SBOX_E_PROFILE',
      exitCode: 2,
      message: `profiles extend each other: ${chain}`,
    });
  });
});

describe("documents that can't be used", () => {
  test('problems carry their places', async () => {
    const folders = policyFolders();
    const configFile = folders.write('c.json', '{\n  "netwrok": {}\n}');
    const error = await failure(loadProfile(folders.request({ configFile })));
    expect(error).toBeInstanceOf(SboxError);
    expect(error).toMatchObject({ code: 'SBOX_E_PROFILE', exitCode: 2, message: `"${configFile}" has a problem` });
    expect(error.problems).toEqual([
      {
        message: 'unknown key "netwrok"',
        hint: 'did you mean "network"?',
        place: { file: configFile, line: 2, column: 3 },
      },
    ]);
  });

  test.each([
    ['is missing', 'ENOENT', (): void => undefined],
    ['is a folder', 'EISDIR', (file: string): void => void mkdirSync(file)],
  ])('a --config file that %s is named with %s', async (_, errno, make) => {
    const folders = policyFolders();
    const configFile = join(folders.root, 'c.json');
    make(configFile);
    expect(await failure(loadProfile(folders.request({ configFile })))).toMatchObject({
      code: 'SBOX_E_PROFILE',
      exitCode: 2,
      message: `cannot read "${configFile}": ${errno}`,
    });
  });
});
