import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { installClaudeCode } from '../../support/claude-code.ts';
import { openFakeAnthropic } from '../../support/fake-anthropic.ts';
import { listing } from '../../support/listing.ts';
import { needs, program } from '../../support/needs.ts';
import { aWorkspace, eachUser, environmentOf, runOutside, runSbox } from '../../support/sbox.ts';

const withNpm = needs(program('npm'), program('git'));
const claudeFolder = installClaudeCode();

eachUser((as) => {
  withNpm('Claude Code works inside: its Bash tool sees the virtual HOME and no file of the real one', async () => {
    const workspace = aWorkspace(as);
    const secret = workspace.write(join(workspace.home, '.ssh/id_rsa'), 'the-real-secret');
    workspace.write(join(workspace.home, '.claude/settings.json'), '{}');
    const command = `cat ${secret}; cat ~/.ssh/id_rsa; ls -A ~; echo home=$HOME token=$GITHUB_TOKEN; echo made > made-by-claude`;
    await using api = await openFakeAnthropic(command);
    const claude = ['claude', '-p', 'run it', '--allowedTools', 'Bash'];
    const env = {
      PATH: `${claudeFolder()}:${environmentOf(workspace)['PATH']}`,
      ANTHROPIC_BASE_URL: api.url,
      ANTHROPIC_API_KEY: 'sk-ant-dummy',
      GITHUB_TOKEN: 'token-outside',
      DISABLE_TELEMETRY: '1',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      NODE_EXTRA_CA_CERTS: undefined,
    };
    const options = { ...workspace, env, timeoutMs: 80_000 };

    const outside = await runOutside(claude, options);
    expect(outside, outside.stderr).toMatchObject({ code: 0 });
    expect(api.toolResults.at(-1)).toContain('the-real-secret');
    expect(api.toolResults.at(-1)).toContain('token=token-outside');
    rmSync(join(workspace.cwd, 'made-by-claude'));

    const before = listing(workspace.home);
    const names = ['ANTHROPIC_BASE_URL', 'ANTHROPIC_API_KEY', 'DISABLE_TELEMETRY', 'DISABLE_AUTOUPDATER'];
    const flags = names.flatMap((name) => ['--env', name]);
    const inside = await runSbox(
      ['run', '-q', '--allow', `localhost:${new URL(api.url).port}`, ...flags, '--', ...claude],
      options,
    );
    expect(inside, inside.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('done: ') });
    const seen = api.toolResults.at(-1) ?? '';
    expect(api.toolResults.length).toBe(2);
    expect(seen).not.toContain('the-real-secret');
    expect(seen).not.toContain('token-outside');
    expect(seen).toContain('No such file or directory');
    expect(seen).toContain(`home=${workspace.home} token=`);
    expect(existsSync(join(workspace.cwd, 'made-by-claude'))).toBe(true);
    expect(listing(workspace.home)).toEqual(before);
    expect(new Set(api.keys.filter(Boolean))).toEqual(new Set(['sk-ant-dummy']));
  });

  withNpm('Claude Code may skip its permissions inside, as root too if it is told of the sandbox', async () => {
    const workspace = aWorkspace(as);
    await using api = await openFakeAnthropic('echo ran; id -u');
    const env = {
      PATH: `${claudeFolder()}:${environmentOf(workspace)['PATH']}`,
      ANTHROPIC_BASE_URL: api.url,
      ANTHROPIC_API_KEY: 'sk-ant-dummy',
    };
    const flags = ['--env', 'ANTHROPIC_BASE_URL', '--env', 'ANTHROPIC_API_KEY', '--env', 'IS_SANDBOX=1'];
    const claude = ['claude', '-p', 'run it', '--dangerously-skip-permissions'];
    const ended = await runSbox(
      ['run', '-q', '--allow', `localhost:${new URL(api.url).port}`, ...flags, '--', ...claude],
      {
        ...workspace,
        env,
        timeoutMs: 80_000,
      },
    );
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(api.toolResults.at(-1)).toContain('ran');
  });
});
