import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planRequest, type RunRequest } from '../../../src/session/request.ts';
import { renderExecutable } from '../../../src/syscall/elf.ts';
import { anInvocation } from '../../support/plan-builders.ts';
import { shippedProfilesDir } from '../../support/policy-folders.ts';
import { aTree, dir } from '../../support/trees.ts';
import { identityOf, users } from '../../support/users.ts';

const arch = process.arch === 'arm64' ? 'arm64' : 'x64';

/** A run of true(1) in a tree of its own, state, configuration and package included. */
const aRequest = (): RunRequest => {
  const root = aTree({ work: dir, home: dir, config: dir, 'package/dist': dir });
  const packageDir = join(root, 'package');
  writeFileSync(join(packageDir, `dist/interpreter-${arch}`), renderExecutable(arch));
  chmodSync(join(packageDir, `dist/interpreter-${arch}`), 0o755);
  symlinkSync(shippedProfilesDir, join(packageDir, 'profiles'));
  return {
    invocation: anInvocation(),
    profiles: [],
    ignoreWorkspaceConfig: true,
    workspace: join(root, 'work'),
    cwd: join(root, 'work'),
    env: { PATH: '/usr/bin:/bin' },
    home: join(root, 'home'),
    stateDir: join(root, 'state'),
    configDir: join(root, 'config'),
    packageDir,
    terminal: false,
  };
};

test('the state directory is made, for this user alone', async () => {
  const request = aRequest();
  const { plan } = await planRequest(request);
  expect(plan.workspace).toBe(request.workspace);
  expect(statSync(request.stateDir).mode & 0o777).toBe(0o700);
});

test.runIf(users.length > 1)('a state directory that belongs to somebody else is refused', async () => {
  const request = aRequest();
  const { uid, gid } = identityOf('user');
  mkdirSync(request.stateDir, { mode: 0o777 });
  chownSync(request.stateDir, uid, gid);
  await expect(planRequest(request)).rejects.toMatchObject({
    code: 'SBOX_E_STATE',
    message: `cannot keep state in "${request.stateDir}": it belongs to uid ${uid}`,
  });
});
