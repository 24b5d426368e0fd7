import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Capabilities } from '../../src/domain/facts.ts';
import { builtPackage } from '../support/package-copy.ts';
import { needsContainers } from './needs-containers.ts';
import { runNested } from './run-contract.ts';

const possible = needsContainers();

/** What sbox says and does in a container of Docker's whose filter refuses one call more. */
const inDocker = (deny: string | undefined, args: readonly string[]) => {
  const command = [process.execPath, join(builtPackage(), 'bin/sbox.js'), ...args];
  const env = ['env', 'XDG_STATE_HOME=/root/state'];
  return runNested({ variant: 'docker', ...(deny !== undefined && { deny }) }, [...env, ...command]);
};

const found = async (deny?: string): Promise<Capabilities> =>
  JSON.parse((await inDocker(deny, ['doctor', '--json'])).stdout).capabilities;

describe.skipIf(!possible)('what is said to work has been done as a whole', () => {
  test('with every call that it takes, Landlock and a listener are there', async () => {
    expect(await found()).toMatchObject({ landlockAbi: expect.toSatisfy((abi) => abi > 0), listener: true });
  });

  test.each([
    ['landlock_create_ruleset=95', "can't use Landlock: ENOTSUP"],
    ['landlock_add_rule=1', "can't make the Landlock rules: EPERM"],
    ['landlock_restrict_self=1', "can't confine the command: EPERM"],
    ['landlock_restrict_self=0', "Landlock doesn't confine"],
    ['seccomp=1', "can't install the system-call filter: EPERM"],
  ])('with %s there is no Landlock, and a run gets what is left', async (deny, message) => {
    expect(await found(deny)).toMatchObject({ landlockAbi: 0, noLandlock: { message } });
    const ran = await inDocker(deny, ['run', '-w', '/mnt', '--', 'echo', 'ran']);
    expect(ran).toMatchObject({ status: 0, stdout: 'ran\n', stderr: expect.stringMatching(/read advisory/) });
    const forced = await inDocker(deny, ['run', '--rung', 'landlock', '-w', '/mnt', '--', 'true']);
    expect(forced).toMatchObject({ status: 125, stderr: expect.stringMatching(/SBOX_E_RUNG(?:.|\n)*fix: {3}\S/) });
  });

  test.each(['connect=13', 'seccomp=1'])('with %s no broker answers calls', async (deny) => {
    expect(await found(deny)).toMatchObject({ listener: false });
  });
});
