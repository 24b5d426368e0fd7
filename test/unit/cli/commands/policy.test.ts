import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { profiles } from '../../../../src/cli/commands/profiles.ts';
import { trust } from '../../../../src/cli/commands/trust.ts';
import { validate } from '../../../../src/cli/commands/validate.ts';
import { cliContext, policyFolders, shippedProfilesDir } from '../../../support/policy-folders.ts';

describe('sbox validate', () => {
  test('a valid document is said to be so', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '{ "extends": "node" }');
    const { context, output } = cliContext(folders);
    expect(await validate({}, context)).toBe(0);
    expect(output()).toBe(`${file}: valid\n`);
  });

  test('every problem has its place and its hint', async () => {
    const folders = policyFolders();
    const file = folders.write('work/p.json', '{ "netwrok": {},\n "limits": { "processes": 0 } }');
    const { context, output } = cliContext(folders);
    expect(await validate({ file: 'p.json' }, context)).toBe(2);
    expect(output()).toBe(
      `${file}:1:3: unknown key "netwrok"\n  hint: did you mean "network"?\n` +
        `${file}:2:27: limits.processes must be a whole number from 1 to 2147483647, not 0\n`,
    );
  });

  test('what it extends is checked too', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '{ "extends": ["nodes"] }');
    folders.profile('a', { extends: 'b' });
    folders.profile('b', { extends: 'a' });
    const first = cliContext(folders);
    expect(await validate({}, first.context)).toBe(2);
    expect(first.output()).toContain(`${file}:1:15: unknown profile "nodes"\n  hint: did you mean "node"?`);
    folders.write('work/sbox.json', '{ "extends": ["a"] }');
    const second = cliContext(folders);
    expect(await validate({}, second.context)).toBe(2);
    expect(second.output()).toContain('profiles extend each other: a -> b -> a');
  });

  test('--json', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '[]');
    const { context, output } = cliContext(folders);
    expect(await validate({ json: true }, context)).toBe(2);
    expect(JSON.parse(output())).toEqual({
      file,
      valid: false,
      problems: [{ message: 'the document must be an object, not a list', place: { file, line: 1, column: 1 } }],
    });
  });

  test('colour only on request; a missing document is named', async () => {
    const folders = policyFolders();
    await expect(validate({}, cliContext(folders).context)).rejects.toMatchObject({
      code: 'SBOX_E_PROFILE',
      exitCode: 2,
      message: `cannot read "${join(folders.workspace, 'sbox.json')}": ENOENT`,
    });
    folders.write('work/sbox.json', '[]');
    const { context, output } = cliContext(folders, { color: true });
    await validate({}, context);
    expect(output()).toContain('\u001b[1m');
  });
});

describe('sbox profiles', () => {
  test('lists name, origin and description', async () => {
    const folders = policyFolders();
    const mine = folders.profile('mine', { description: 'My own.' });
    const broken = folders.profile('node', '{');
    const { context, output } = cliContext(folders);
    expect(await profiles({}, context)).toBe(0);
    const lines = output()
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(lines[0]).toEqual(['NAME', 'FROM', 'DESCRIPTION']);
    expect(lines.map(([name]) => name)).toEqual([
      'NAME',
      'aider',
      'claude-code',
      'codex',
      'default',
      'gemini',
      'mine',
      'node',
      'opencode',
      'python',
      'strict',
    ]);
    expect(lines[6]).toEqual(['mine', mine, 'My own.']);
    expect(lines[7]).toEqual(['node', broken, `cannot be used: sbox validate "${broken}"`]);
  });

  test('shows one as a run would see it', async () => {
    const { context, output } = cliContext(policyFolders());
    expect(await profiles({ name: 'node' }, context)).toBe(0);
    expect(JSON.parse(output())).toMatchObject({
      sources: [join(shippedProfilesDir, 'default.json'), join(shippedProfilesDir, 'node.json')],
      env: { set: { npm_config_fund: 'false' } },
    });
  });

  test('--json', async () => {
    const { context, output } = cliContext(policyFolders());
    await profiles({ json: true }, context);
    expect(JSON.parse(output())).toContainEqual({
      name: 'default',
      from: 'shipped',
      file: join(shippedProfilesDir, 'default.json'),
      description: expect.any(String),
    });
  });
});

describe('sbox trust', () => {
  test('shows what it trusts, lists it and takes it back', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '{}');
    const hash = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
    const steps: [Parameters<typeof trust>[0], RegExp][] = [
      [{ list: true }, /^nothing is trusted\n$/],
      [{}, new RegExp(`^trusted "${file}"\n  sha256: ${hash}\n$`)],
      [{ list: true }, new RegExp(`^${file}\n  sha256: ${hash}, .*Z\n$`)],
      [{ path: '.', remove: true }, new RegExp(`^no longer trusted: "${file}"\n$`)],
      [{ list: true }, /^nothing is trusted\n$/],
    ];
    for (const [options, printed] of steps) {
      const { context, output } = cliContext(folders);
      expect(await trust(options, context)).toBe(0);
      expect(output()).toMatch(printed);
    }
    await expect(trust({ remove: true }, cliContext(folders).context)).rejects.toMatchObject({
      code: 'SBOX_E_USAGE',
      exitCode: 2,
    });
  });

  test('a folder that is gone can still be taken back', async () => {
    const folders = policyFolders();
    folders.write('work/sbox.json', '{}');
    await trust({}, cliContext(folders).context);
    rmSync(folders.workspace, { recursive: true });
    expect(await trust({ path: folders.workspace, remove: true }, cliContext(folders).context)).toBe(0);
  });

  test('a document with problems is not trusted', async () => {
    const folders = policyFolders();
    const file = folders.write('work/sbox.json', '{ "x": 1 }');
    const { context, output } = cliContext(folders);
    await expect(trust({ path: folders.workspace }, context)).rejects.toMatchObject({
      code: 'SBOX_E_PROFILE',
      exitCode: 2,
      problems: [{ message: 'unknown key "x"', place: { file, line: 1, column: 3 } }],
    });
    expect(output()).toBe('');
  });

  test('only an sbox.json needs trust', async () => {
    const folders = policyFolders();
    folders.write('work/p.json', '{}');
    await expect(trust({ path: 'p.json' }, cliContext(folders).context)).rejects.toMatchObject({
      code: 'SBOX_E_USAGE',
      exitCode: 2,
    });
  });
});
