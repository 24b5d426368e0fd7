import { existsSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { agents, type Installation, installAgents } from '../../support/agents.ts';
import { listing } from '../../support/listing.ts';
import { findProgram, needs, program } from '../../support/needs.ts';
import { kernelRungs } from '../../support/reach.ts';
import { aWorkspace, environmentOf, runOutside, runSbox } from '../../support/sbox.ts';
import { openTlsFront } from '../../support/tls-front.ts';

let installation: Installation | undefined;
let why = '';

beforeAll(() => {
  if (findProgram('npm') === undefined) return; // the cases say so
  try {
    installation = installAgents();
  } catch (error) {
    if (process.env['CI']) throw error;
    why = `npm can't install the agents: ${error instanceof Error ? error.message : error}`;
  }
});
afterAll(() => installation?.[Symbol.dispose]());

const withAgents = needs(program('npm'), program('git'));

describe.each(kernelRungs)('on %s', (rung) => {
  for (const agent of agents) {
    withAgents(
      `${agent.profile} works with its profile, and its shell sees neither key nor secret`,
      async (context) => {
        if (installation === undefined) return context.skip(why);
        const workspace = aWorkspace('user');
        const secret = workspace.write(join(workspace.home, '.ssh/id_rsa'), 'the-real-secret\n');
        const [name, key] = agent.key;
        const command = `echo key=$${name} token=$GITHUB_TOKEN; cat ${secret}; cat ~/.ssh/id_rsa; echo made > made-by-agent`;
        await using api = await agent.openApi(command);
        await using front = await openTlsFront(Object.fromEntries(agent.hosts.map((host) => [host, api.port])));
        const config = workspace.write(
          join(workspace.base, 'hosts.json'),
          // a login of Codex would need that host, a key does not: no name is looked up outside
          JSON.stringify({ network: { hosts: front.hosts, deny: ['chatgpt.com'] } }),
        );
        const env = {
          PATH: [installation.bin, environmentOf(workspace)['PATH']].join(delimiter),
          NODE_EXTRA_CA_CERTS: workspace.write(join(workspace.base, 'ca.pem'), front.certificatePem),
          GITHUB_TOKEN: 'token-outside',
          [name]: key,
        };
        const options = { ...workspace, env, timeoutMs: 120_000 };

        const outside = await runOutside(['sh', '-c', command], options);
        expect(outside.stdout).toBe(`key=${key} token=token-outside\nthe-real-secret\nthe-real-secret\n`);
        rmSync(join(workspace.cwd, 'made-by-agent'));

        const before = listing(workspace.home);
        const flags = ['-q', '--rung', rung, '--config', config, '--profile', agent.profile, ...agent.flags];
        const inside = await runSbox(['run', ...flags, '--', ...agent.command], options);
        expect(inside, inside.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('done: ') });
        expect(existsSync(join(workspace.cwd, 'made-by-agent'))).toBe(true);
        const seen = api.toolResults.at(-1);
        // a stand-in of the key's shape, and no token
        expect(seen).toMatch(new RegExp(`key=${key.slice(0, 4)}[\\w-]{20,} token=[^\\w-]`));
        expect(seen).toMatch(rung === 'namespaces' ? /No such file or directory/ : /Permission denied/);
        for (const real of ['the-real-secret', 'token-outside', key]) {
          expect(`${api.toolResults.join()}${inside.stdout}${inside.stderr}`).not.toContain(real);
        }
        expect(new Set(api.keys.map((sent) => sent?.replace('Bearer ', '')))).toEqual(new Set([key]));
        expect(listing(workspace.home)).toEqual(before);
      },
    );
  }
});
