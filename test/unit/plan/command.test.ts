import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/domain/facts.ts';
import { planCommand } from '../../../src/plan/command.ts';
import { anInvocation, aProfile, facts } from '../../support/plan-builders.ts';

const path = '/home/ann/.local/bin:/usr/bin';
const plan = (typed: readonly string[], profile: readonly string[] = [], command?: string) => {
  const tools: Facts['tools'] = { toolchains: [], links: [], path: [], ...(command !== undefined && { command }) };
  return planCommand(
    aProfile({ command: profile }),
    anInvocation({ command: typed }),
    facts({ tools }),
    '/bin/sh',
    path,
  );
};

describe('which command', () => {
  test.each([
    [['ls', '-l'], ['claude'], ['ls', '-l']],
    [[], ['claude', '--x'], ['claude', '--x']],
    [[], [], ['/bin/sh']],
  ])('typed %j, of the profile %j: %j', (typed, profile, argv) => {
    expect(plan(typed, profile).argv).toEqual(argv);
  });
});

describe('candidates', () => {
  test.each([
    ['ls', undefined, ['/home/ann/.local/bin/ls', '/usr/bin/ls']],
    ['ls', '/usr/bin/ls', ['/home/ann/.local/bin/ls', '/usr/bin/ls']],
    ['claude', '/opt/claude/cli.js', ['/home/ann/.local/bin/claude', '/usr/bin/claude', '/opt/claude/cli.js']],
    ['./run.sh', undefined, ['/home/ann/work/run.sh']],
    ['./run.sh', '/home/ann/work/run.sh', ['/home/ann/work/run.sh']],
    ['../tool/x', '/opt/tool/x', ['/home/ann/tool/x', '/opt/tool/x']],
    ['/opt/x//bin/../y', undefined, ['/opt/x/y']],
    ['dir/..', undefined, ['/home/ann/work']],
  ])('of %s, real path %s', (typed, real, candidates) => {
    expect(plan([typed], [], real)).toEqual({ argv: [typed], candidates });
  });
});
