/**
 * The contract of the properties, tried where it runs, as whoever runs it: contract.mjs SBOX [OPTION...]. Prints one JSON line for each
 * check (`control`: the attack without sbox; `inside`: in the sandbox; `expected`: what the report of that run makes of it), and one for
 * each plan; one of kind `refused` where sbox can't make a sandbox.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attacksOf } from './contract/attacks.mjs';
import { tryInnerMount } from './contract/inner-mount.mjs';
import { tryLimits } from './contract/limits.mjs';
import { tryLives } from './contract/lives.mjs';
import { tryPlantedLinks } from './contract/planted-links.mjs';
import { openSbox, outcomesOf, say, sayCheck } from './contract/sbox.mjs';
import { tryTerminal } from './contract/terminal.mjs';
import { openWorld, secret, triers } from './contract/world.mjs';

const [program, ...options] = process.argv.slice(2);

const main = async () => {
  const world = await openWorld();
  const shared = triers.map((who) => `/dev/shm/${world.base.split('/').at(-1)}-${who}`);
  try {
    const { declared, home } = world;
    const mounts = [declared, `${home}/.config/tool`].flatMap((path) => ['-m', `${path}:ro`]);
    const sbox = openSbox(program, [...mounts, ...options], world);
    const plan = await sbox.plan(
      [],
      ['hide', 'read', 'write', 'home', 'env', 'path', 'network', 'sockets', 'process', 'tty'],
    );
    if (plan === undefined) return;
    world.write('state/sbox/trusted.json', '{}\n');
    world.write('state/sbox/sandboxes/other/home/note', secret.file);
    for (const path of shared) writeFileSync(path, 'unchanged');
    await tryAttacks(sbox, world, plan, [], () => true);
    const open = await sbox.plan(['--net', 'full'], ['network', 'sockets']);
    await tryAttacks(sbox, world, open, ['--net', 'full'], ({ property }) => ['network', 'sockets'].includes(property));
    await tryInnerMount(sbox, world, plan);
    await tryTerminal(sbox, world, plan);
    await tryLimits(sbox, world);
    await tryLives(sbox, world, plan);
    await tryPlantedLinks(sbox, world);
  } finally {
    for (const path of shared) rmSync(path, { force: true });
    await world.close();
  }
};

const tryAttacks = async (sbox, world, plan, flags, wanted) => {
  const [control, inside] = triers.map((who) => attacksOf(world, who).filter(wanted));
  const file = join(world.work, 'requests.json');
  const outside = await outcomesOf(sbox.outside, control, file);
  const within = await outcomesOf((argv) => sbox.run(argv, flags), inside, file);
  await new Promise((resolve) => setTimeout(resolve, 300)); // for what is on its way to the outsider
  control.forEach((attack, index) => {
    sayCheck(plan, attack, resultOf(attack, outside), resultOf(inside[index], within));
  });
};

/** Where the outsider can tell, what it saw counts, not what the attacker thinks. */
const resultOf = ({ id, evidence }, outcomes) => {
  if (evidence === undefined) return outcomes[id];
  if (evidence()) return 'works';
  return outcomes[id] === 'works' ? 'no effect' : outcomes[id];
};

await main();
say({ kind: 'end' });
