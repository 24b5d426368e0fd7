import { Command } from 'commander';
import { expect, test } from 'vitest';
import { declareRunOptions, parseInvocation, type RunOptions } from '../../../src/cli/options.ts';
import { SboxError } from '../../../src/domain/errors.ts';

const parse = (...words: string[]) => {
  const command = declareRunOptions(new Command('run')).exitOverride().parse(words, { from: 'user' });
  return parseInvocation(['true'], command.opts<RunOptions>(), '/w');
};

test('--allow, --deny and --publish may be repeated', () => {
  const words = ['--allow', 'a.test', '--allow', 'localhost:5432', '--deny', '*.b.test', '--publish', '127.0.0.1:1:2'];
  expect(parse(...words, '--publish', '3:4')).toMatchObject({
    allow: [
      { text: 'a.test', origin: '--allow', match: { kind: 'name', name: 'a.test', subdomains: false } },
      { text: 'localhost:5432', origin: '--allow', match: { kind: 'localhost' }, port: 5432 },
    ],
    deny: [{ text: '*.b.test', origin: '--deny', match: { kind: 'name', name: 'b.test', subdomains: true } }],
    publish: [
      { host: '127.0.0.1', hostPort: 1, port: 2, origin: '--publish' },
      { hostPort: 3, port: 4, origin: '--publish' },
    ],
  });
  expect(parse()).toMatchObject({ allow: [], deny: [], publish: [] });
});

test('every one that is wrong is told at once, with what would be right', () => {
  try {
    parse('--allow', 'https://a.test/x', '--allow', '*', '--deny', 'a b', '--publish', '3000');
  } catch (error) {
    if (!(error instanceof SboxError)) throw error;
    expect(error).toMatchObject({ code: 'SBOX_E_USAGE', exitCode: 2 });
    expect(error.problems).toEqual([
      { message: '--allow: "https://a.test/x" is not a host', hint: 'write "a.test"' },
      { message: '--allow: "*" would allow everything', hint: expect.stringContaining('--net full') },
      { message: '--deny: "a b" is not a host name', hint: expect.any(String) },
      { message: '--publish: "3000" does not name two ports', hint: 'write "3000:3000"' },
    ]);
    return;
  }
  throw new Error('it was taken');
});
