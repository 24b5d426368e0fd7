import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { propertyNames } from '../../src/domain/property.ts';
import { environments, forced } from './environments.ts';
import { needsContainers } from './needs-containers.ts';
import { type Check, type Contract, inTurn, runContract } from './run-contract.ts';

const matrixFile = fileURLToPath(new URL('matrix.json', import.meta.url));

const every = [...environments, ...forced];
const possible = needsContainers();
const contracts = new Map(
  possible ? inTurn(every, 2, runContract).map((contract, index) => [every[index]?.name, contract]) : [],
);
const contractIn = async (name: string): Promise<Contract> => {
  const contract = await contracts.get(name);
  if (contract === undefined) throw new Error(`no contract of "${name}"`);
  expect(contract.trouble).toBe('');
  return contract;
};

const describeCheck = ({ network, property, attack, control, inside }: Check): string =>
  `${property} (network ${network}): ${attack}: without sbox: ${control}; inside: ${inside}`;

test.skipIf(!possible).each(every)(
  '$name: the rung is the one that has to be there, and what it promises is so',
  async (environment) => {
    const { plans, checks } = await contractIn(environment.name);
    expect(plans[0]?.mechanism).toMatchObject(environment.mechanism);
    const untrue = checks.filter(
      ({ expected, inside }) => expected !== 'either' && (expected === 'works') !== (inside === 'works'),
    );
    expect(untrue.map(describeCheck)).toEqual([]);
  },
);

test.skipIf(!possible).each(every)('$name: the attacks work without sbox', async ({ name }) => {
  const { checks } = await contractIn(name);
  const idle = checks.filter(({ where, control }) => where === 'everywhere' && control !== 'works');
  expect(idle.map(describeCheck)).toEqual([]);
});

test.skipIf(!possible).each(every)(
  '$name: every property is attacked, and a weaker one has a hole to show',
  async ({ name }) => {
    const { plans, checks } = await contractIn(name);
    expect(plans.flatMap(({ tries }) => tries).sort()).toEqual([...propertyNames, 'network', 'sockets'].sort());
    for (const { network, properties, tries } of plans) {
      for (const { name: property, status } of properties.filter((one) => tries.includes(one.name))) {
        const tried = checks.filter((check) => check.network === network && check.property === property);
        expect(tried.filter(({ control }) => control === 'works')).not.toEqual([]);
        if (status !== 'enforced') expect(tried.filter(({ inside }) => inside === 'works')).not.toEqual([]);
      }
    }
  },
);

test.skipIf(!possible)('each attack works without sbox in at least one environment', async () => {
  const checks = (await Promise.all(contracts.values())).flatMap((contract) => contract.checks);
  const working = new Set(checks.filter(({ control }) => control === 'works').map(({ attack }) => attack));
  expect(new Set(checks.map(({ attack }) => attack))).toEqual(working);
});

afterAll(async () => {
  if (!possible) return;
  const found = await Promise.all(environments.map(({ name }) => contracts.get(name)));
  if (found.some((contract) => contract === undefined || contract.trouble !== '')) return;
  const rows = found.flatMap((contract) => {
    const plan = contract?.plans[0];
    if (contract === undefined || plan === undefined) return [];
    const { name, like, mechanism } = contract.environment;
    const statuses = propertyNames.map((property) => [
      property,
      plan.properties.find((one) => one.name === property)?.status,
    ]);
    return [{ environment: name, like, mechanism, properties: Object.fromEntries(statuses) }];
  });
  writeFileSync(matrixFile, `${JSON.stringify(rows, null, 2)}\n`);
}, 300_000);
