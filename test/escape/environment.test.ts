import { expect, test } from 'vitest';
import { aWorkspace, eachUser, runOutside, runSbox } from '../support/sbox.ts';

/** Variables that make a program load or run something, or that hold a secret. */
const dangerous: Record<string, string> = {
  LD_PRELOAD: '/nonexistent.so',
  LD_LIBRARY_PATH: '/nonexistent',
  NODE_OPTIONS: '--no-warnings',
  NODE_PATH: '/nonexistent',
  BASH_ENV: '/nonexistent',
  ENV: '/nonexistent',
  IFS: 'x',
  PS4: '$(id)',
  PROMPT_COMMAND: 'id',
  SHELLOPTS: 'xtrace',
  PYTHONSTARTUP: '/nonexistent',
  PYTHONPATH: '/nonexistent',
  PERL5OPT: '-w',
  RUBYOPT: '-w',
  GIT_DIR: '/nonexistent',
  GIT_SSH_COMMAND: 'id',
  JAVA_TOOL_OPTIONS: '-version',
  'BASH_FUNC_ls%%': '() { id; }',
  SSH_AUTH_SOCK: '/nonexistent',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent',
  AWS_SECRET_ACCESS_KEY: 'secret',
  ANTHROPIC_API_KEY: 'secret',
  GPG_AGENT_INFO: 'secret',
  DISPLAY: ':0',
};
const names = Object.keys(dangerous);
const inEnvironment = (text: string) => text.split('\0').map((entry) => entry.split('=')[0] ?? '');
// a program that changes nothing of its environment, unlike a shell
const print = ['cat', '/proc/self/environ'];
const quiet = { ...dangerous, LD_PRELOAD: '' };

eachUser((as) => {
  test('no variable that makes programs run something, and no secret, is taken over', async () => {
    const workspace = { ...aWorkspace(as), env: quiet };
    expect(inEnvironment((await runOutside(print, workspace)).stdout)).toEqual(expect.arrayContaining(names));
    const inside = inEnvironment((await runSbox(['run', '-q', '--', ...print], workspace)).stdout);
    expect(inside.filter((name) => names.includes(name))).toEqual([]);
  });

  test('a pattern takes over no variable that makes programs run something', async () => {
    const workspace = { ...aWorkspace(as), env: { ...quiet, BASH_HARMLESS: '1', PYTEST_HARMLESS: '1' } };
    const patterns = ['L*', 'N*', 'B*', 'E*', 'I*', 'PS*', 'PR*', 'S*', 'PY*', 'PE*', 'R*', 'G*', 'J*'];
    const flags = patterns.flatMap((pattern) => ['-e', pattern]);
    const inside = inEnvironment((await runSbox(['run', '-q', ...flags, '--', ...print], workspace)).stdout);
    expect(inside).toEqual(expect.arrayContaining(['BASH_HARMLESS', 'PYTEST_HARMLESS']));
    const harmless = ['SSH_AUTH_SOCK', 'GPG_AGENT_INFO'];
    expect(inside.filter((name) => names.includes(name) && !harmless.includes(name))).toEqual([]);
  });

  test.each(['*', '=x', 'A B', 'A\nB', '1A', 'A*B', ''])('the option --env %j is refused', async (text) => {
    const ended = await runSbox(['run', '-q', '-e', text, '--', 'true'], aWorkspace(as));
    expect(ended.code).toBe(2);
  });

  test('a star is no part of a name that is set', async () => {
    const ended = await runSbox(['run', '-q', '-e', 'A*=x', '--', 'true'], aWorkspace(as));
    expect(ended.code).toBe(2);
  });

  test('a value with line ends, quotes and equal signs arrives as it is and makes no other variable', async () => {
    const value = 'a\nLD_PRELOAD=/x\n"\'`$(id)=\\';
    const inside = await runSbox(['run', '-q', '-e', `ODD=${value}`, '--', ...print], aWorkspace(as));
    expect(inside.stdout.split('\0')).toContain(`ODD=${value}`);
    expect(inEnvironment(inside.stdout)).not.toContain('LD_PRELOAD');
  });
});
