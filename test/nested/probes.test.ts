import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Capabilities } from '../../src/domain/facts.ts';
import type { Property, PropertyName } from '../../src/domain/property.ts';
import type { Advice } from '../../src/plan/advice.ts';
import { builtPackage } from '../support/package-copy.ts';
import { type Environment, environments } from './environments.ts';
import { needsContainers } from './needs-containers.ts';
import { runNested } from './run-contract.ts';

const possible = needsContainers();

const inContainer = (environment: Pick<Environment, 'variant' | 'deny'>, args: readonly string[]) =>
  runNested(environment, [process.execPath, join(builtPackage(), 'bin/sbox.js'), ...args]);

/** What sbox says and does in a container of Docker's whose filter refuses one call more. */
const inDocker = (deny: string | undefined, args: readonly string[]) =>
  inContainer({ variant: 'docker', ...(deny !== undefined && { deny }) }, args);

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

describe.skipIf(!possible)('doctor', () => {
  const containers = environments.filter(({ variant }) => variant !== 'host');

  test.each(containers)('in $name names a step for every property that is not enforced', async (environment) => {
    const { stdout } = await inContainer(environment, ['doctor', '--json']);
    const { properties, advice }: { properties: Property[]; advice: Advice[] } = JSON.parse(stdout);
    const weak = properties.filter(({ status }) => status !== 'enforced').map(({ name }) => name);
    const advised = new Set(advice.flatMap(({ properties: names }) => names));
    expect([...advised].sort()).toEqual(weak.sort());
  });

  test.each<[string, PropertyName, string]>([
    ['docker', 'hide', '--security-opt seccomp=unconfined'],
    ['docker', 'process', '--security-opt systempaths=unconfined'],
    ['docker-unconfined', 'process', '--security-opt systempaths=unconfined'],
    ['docker-sysadmin', 'process', '--security-opt systempaths=unconfined'],
    ['docker-apparmor', 'hide', '--security-opt apparmor=unconfined'],
    ['podman', 'process', '--security-opt unmask=ALL'],
    ['host-nouserns', 'hide', 'sysctl -w user.max_user_namespaces=10000'],
    ['host-apparmor', 'hide', 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'],
  ])('in %s names for %s: %s', async (variant, name, step) => {
    const { advice } = JSON.parse((await inContainer({ variant }, ['doctor', '--json'])).stdout) as {
      advice: Advice[];
    };
    const steps = advice.filter(({ properties }) => properties.includes(name)).map((advised) => advised.step);
    expect(steps.join('\n')).toContain(step);
  });
});
