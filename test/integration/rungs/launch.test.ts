import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type LaunchEnd, launchProgram } from '../../../src/rungs/launch.ts';
import { Program } from '../../../src/syscall/program.ts';
import { recordTag, renderRecord } from '../../../src/syscall/records.ts';
import { aTree } from '../../support/trees.ts';

/** What becomes of a program that is read, reports a failed call and then ends like this. */
const afterFailure = (last: string): Promise<LaunchEnd> => {
  const tree = aTree({ record: renderRecord(recordTag.failed).toString('latin1') });
  const executable = join(tree, 'interpreter');
  writeFileSync(executable, `#!/bin/sh\ncat <&3 >'${tree}/program'\ncat '${tree}/record' >&3\n${last}\n`);
  chmodSync(executable, 0o755);
  const program = new Program('x64');
  program.goal = 'do something';
  program.call('exit_group', [0]);
  const plan = { command: { argv: ['true'], candidates: [] } } as const;
  return launchProgram({ executable, program, stdio: ['ignore', 'ignore', 'ignore'], plan }).ended;
};

test('a call that failed is why a program ended', async () => {
  expect(await afterFailure('exit 1')).toMatchObject({ kind: 'failure', error: { code: 'SBOX_E_SETUP' } });
});

test('but for one that was killed: what hung on it fails in its last moments', async () => {
  expect(await afterFailure('kill -9 $$')).toEqual({ kind: 'killed' });
});
