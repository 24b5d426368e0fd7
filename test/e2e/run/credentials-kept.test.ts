import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kernelRungs } from '../../support/reach.ts';
import { aWorkspace, eachUser, runSbox, startSbox, type User } from '../../support/sbox.ts';

const secret = 'Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0KeuTsA';
const login = {
  ...{ accessToken: `sk-ant-oat01-${secret}`, refreshToken: `sk-ant-ort01-${secret}` },
  ...{ expiresAt: Date.now() + 3_600_000, scopes: ['user:inference'] },
};

/** A key of npm and a login of Claude Code, which both are shown in files. */
const aWorld = (as: User) => {
  const workspace = aWorkspace(as);
  const settings = `registry=https://registry.test/\n//registry.test/:_authToken=npm_${secret}\n`;
  workspace.write(join(workspace.home, '.npmrc'), settings);
  workspace.write(join(workspace.home, '.claude/.credentials.json'), JSON.stringify({ claudeAiOauth: login }), 0o600);
  return workspace;
};
const both = ['--credential', 'npm', '--credential', 'anthropic'];
const look = 'echo "$NPM_TOKEN"; grep -o "npm_[A-Za-z0-9]*" ~/.npmrc; cat ~/.claude/.credentials.json';

eachUser((as) => {
  test.each(kernelRungs)(
    'on %s, runs of one sandbox see the same placeholders, beside and after each other',
    async (rung) => {
      const world = aWorld(as);
      const run = (script: string, ...flags: string[]) => [
        'run',
        '-q',
        '--rung',
        rung,
        ...flags,
        '--',
        'sh',
        '-c',
        script,
      ];
      const first = startSbox(run(`${look}; echo; echo READY; read go; ${look}`, ...both), { ...world, stdin: 'pipe' });
      await first.says('READY');
      const second = await runSbox(run(look, ...both), world);
      first.child.stdin?.end('go\n');
      const [before, after] = (await first.ended).stdout.split('\nREADY\n');
      expect(second.stdout, second.stderr).toMatch(/^npm_\w{36}\nnpm_\w{36}\n\{\n.*sk-ant-oat01-/s);
      expect([before, after]).toEqual([second.stdout, second.stdout]);
      expect((await runSbox(run(look, ...both), world)).stdout).toBe(second.stdout);
      const other = await runSbox(run(look, '--ephemeral', ...both), world);
      expect(other.stdout).toMatch(/^npm_\w{36}\n/);
      expect(other.stdout.split('\n')[0]).not.toBe(second.stdout.split('\n')[0]);
      expect(second.stdout + other.stdout).not.toContain(secret);
    },
  );

  test('a run that declares none finds none of an earlier one, unless that goes on; what the command has added stays', async () => {
    const world = aWorld(as);
    const run = (script: string, ...flags: string[]) =>
      runSbox(['run', '-q', ...flags, '--', 'sh', '-c', script], world);
    const going = startSbox(
      ['run', '-q', ...both, '--', 'sh', '-c', 'echo color=false >> ~/.npmrc; echo READY; read go'],
      {
        ...world,
        stdin: 'pipe',
      },
    );
    await going.says('READY');
    const left = 'cat ~/.npmrc; ls -A ~/.claude';
    expect((await run(left)).stdout).toMatch(
      /^\/\/registry.test\/:_authToken=npm_\w+\ncolor=false\n.credentials.json\n$/,
    );
    going.child.stdin?.end('go\n');
    await going.ended;
    expect((await run(left, '--credential', 'npm')).stdout).toMatch(
      /^color=false\n\/\/registry.test\/:_authToken=npm_\w+\n$/,
    );
    expect((await run(left)).stdout).toBe('color=false\n');
    expect((await run(left, '--net', 'none', ...both)).stdout).toBe('color=false\n');
  });

  test('a link that a command has put in the place of such a file is not followed', async () => {
    const world = aWorld(as);
    const outside = world.write(join(world.base, 'outside'), 'mine\n');
    const run = (script: string, ...flags: string[]) =>
      runSbox(['run', '-q', ...flags, '--', 'sh', '-c', script], world);
    await run(`ln -sf ${outside} ~/.npmrc; rm -r ~/.claude; ln -s ${world.base} ~/.claude`, ...both);
    expect(await run('ls -A ~ | grep npmrc; echo $NPM_TOKEN')).toMatchObject({ code: 0, stdout: '\n' });
    expect((await run('true', '--credential', 'npm')).code).toBe(0);
    expect(readFileSync(outside, 'utf8')).toBe('mine\n');
  });
});
