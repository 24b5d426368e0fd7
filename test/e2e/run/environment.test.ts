import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkspace, eachUser, runOutside, runSbox, type StartOptions } from '../../support/sbox.ts';

const dangerous: Readonly<Record<string, string>> = {
  AWS_SECRET_ACCESS_KEY: 'secret',
  GITHUB_TOKEN: 'secret',
  ANTHROPIC_API_KEY: 'secret',
  SSH_AUTH_SOCK: '/tmp/agent.sock',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/0/bus',
  LD_PRELOAD: '/usr/lib/nothing.so',
  LD_LIBRARY_PATH: '/tmp',
  NODE_OPTIONS: '--max-old-space-size=400',
  BASH_ENV: '/tmp/evil.sh',
  ENV: '/tmp/evil.sh',
  PYTHONSTARTUP: '/tmp/evil.py',
  PERL5OPT: '-w',
  RUBYOPT: '-w',
  GIT_SSH_COMMAND: 'evil',
  JAVA_TOOL_OPTIONS: '-Devil',
  PROMPT_COMMAND: 'evil',
  PS4: 'evil',
  HTTPS_PROXY: 'http://user:secret@127.0.0.1:1',
  XDG_RUNTIME_DIR: '/run/user/0',
};

const parse = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\0')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

const envInside = async (options: StartOptions, flags: readonly string[] = []) =>
  parse((await runSbox(['run', '-q', ...flags, '--', 'env', '-0'], options)).stdout);

eachUser((as) => {
  test('nothing of the environment outside is inside but what the profile names', async () => {
    const random = Object.fromEntries(
      Array.from({ length: 50 }, () => [`R${randomBytes(6).toString('hex').toUpperCase()}`, 'outside']),
    );
    const workspace = { ...aWorkspace(as), env: { ...dangerous, ...random, TERM: 'xterm-256color', LC_TIME: 'C' } };
    const names = [...Object.keys(dangerous), ...Object.keys(random)];

    expect(Object.keys(parse((await runOutside(['env', '-0'], workspace)).stdout))).toEqual(
      expect.arrayContaining(names),
    );
    const inside = await envInside(workspace);
    // the sandbox's own proxy has the name of the operator's
    expect(Object.keys(inside).filter((name) => names.includes(name))).toEqual(['HTTPS_PROXY']);
    expect(inside['HTTPS_PROXY']).not.toBe(dangerous.HTTPS_PROXY);
    const own = Object.keys(inside).filter((name) => !/proxy$/i.test(name)); // those are the sandbox's own
    expect(own.sort()).toEqual([
      'HOME',
      'LANG',
      'LC_TIME',
      'LOGNAME',
      'PATH',
      'PIP_BREAK_SYSTEM_PACKAGES',
      'PWD',
      'PYTHONUSERBASE',
      'SBOX',
      'SHELL',
      'TERM',
      'TMPDIR',
      'USER',
      'npm_config_prefix',
    ]);
    expect(inside).toMatchObject({ HOME: workspace.home, PWD: workspace.cwd, TERM: 'xterm-256color', TMPDIR: '/tmp' });
  });

  test('--env NAME takes a variable over, --env NAME=VALUE sets one', async () => {
    const workspace = { ...aWorkspace(as), env: { GITHUB_TOKEN: 'wanted', OTHER: 'not wanted' } };
    const inside = await envInside(workspace, ['--env', 'GITHUB_TOKEN', '--env', 'SET=a=b c', '--env', 'EMPTY=']);
    expect(inside).toMatchObject({ GITHUB_TOKEN: 'wanted', SET: 'a=b c', EMPTY: '' });
    expect(inside).not.toHaveProperty('OTHER');
  });

  test('a value may hold every byte but NUL', async () => {
    const workspace = aWorkspace(as);
    const odd = 'line\nline\ttab "quotes" $dollar `tick` \\ \u{1f4a9} ende ';
    expect(await envInside(workspace, ['--env', `ODD=${odd}`])).toMatchObject({ ODD: odd });
  });

  test('a variable that is named but not set outside is told of and not set', async () => {
    const workspace = aWorkspace(as);
    const { stdout, stderr } = await runSbox(['run', '--env', 'NOT_THERE', '--', 'env'], workspace);
    expect(stderr).toContain('NOT_THERE is not set outside');
    expect(stdout).not.toContain('NOT_THERE');
  });

  test('a pattern takes over what it matches, but nothing that changes what programs load', async () => {
    const workspace = {
      ...aWorkspace(as),
      env: { MY_ONE: '1', MY_TWO: '2', NODE_OPTIONS: '--no-warnings', LD_DEBUG: 'x' },
    };
    const inside = await envInside(workspace, ['--env', 'MY_*', '--env', 'NODE_*', '--env', 'LD_*']);
    expect(inside).toMatchObject({ MY_ONE: '1', MY_TWO: '2' });
    expect(inside).not.toHaveProperty('NODE_OPTIONS');
    expect(inside).not.toHaveProperty('LD_DEBUG');
  });

  test('a CA variable passes if its file is visible inside, and is told of if it is not', async () => {
    const workspace = aWorkspace(as);
    const hidden = workspace.write(join(workspace.base, 'ca/ca.pem'), 'x');
    const shown = workspace.write('ca.pem', 'x');
    const options = { ...workspace, env: { NODE_EXTRA_CA_CERTS: hidden, SSL_CERT_FILE: shown } };
    const { stdout, stderr } = await runSbox(['run', '--', 'env'], options);
    expect(stdout).toContain(`SSL_CERT_FILE=${shown}\n`);
    expect(stdout).not.toContain('NODE_EXTRA_CA_CERTS');
    expect(stderr).toContain(`NODE_EXTRA_CA_CERTS is not passed: "${hidden}" is not visible inside`);

    const fixed = await runSbox(['run', '--mount', hidden, '--', 'sh', '-c', 'cat "$NODE_EXTRA_CA_CERTS"'], options);
    expect(fixed).toMatchObject({ status: 0, stdout: 'x' });
  });

  test('the environment of the launcher can not be read from inside', async () => {
    const options = { ...aWorkspace(as), env: { GITHUB_TOKEN: 'secret-of-the-launcher' } };
    const search = "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; echo searched";
    const inside = await runSbox(['run', '-q', '--', 'sh', '-c', search], options);
    expect(inside.stdout).toContain('searched');
    expect(inside.stdout).not.toContain('secret-of-the-launcher');
    // without sbox the same search finds it, in the searching shell itself
    expect((await runOutside(['sh', '-c', search], options)).stdout).toContain('secret-of-the-launcher');
  });
});
