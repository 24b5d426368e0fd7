import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { outcomesOf, sayCheck } from './sbox.mjs';

const flags = ['--open-files', '200', '--file-size', '1M', '--memory', '1G', '--processes', '250'];

/** The user's other processes use up a limit of processes; to uid 0 of the kernel nobody counts any. */
const tryCrowd = async (sbox, plan) => {
  const crowd = Array.from({ length: 40 }, () => spawn('sleep', ['60'], { stdio: 'ignore' }));
  const script = '/bin/true && exit 7';
  const control = await sbox.outside(['bash', '-c', `ulimit -u 30; ${script}`]);
  const inside = await sbox.run(['sh', '-c', script], ['--processes', '30']);
  for (const child of crowd) child.kill();
  const outcome = ({ status }) => (status === 7 ? 'refused' : 'works');
  const attack = {
    property: 'limits',
    id: 'outsiders use up the processes',
    hole: /other processes are counted/,
    control: 'somewhere',
  };
  sayCheck(plan, attack, outcome(control), outcome(inside));
};

/** Uses more than the limits give. */
export const tryLimits = async (sbox, world) => {
  const plan = await sbox.plan(flags, ['limits']);
  const attack = (id, call, args, more) => ({ property: 'limits', id, do: call, args, ...more });
  const attacks = [
    attack('more files are opened', 'open_many', [300]),
    attack('a larger file is written', 'write_large', [join(world.work, 'large'), 4 << 20]),
    attack('more memory is used', 'allocate', [2 ** 31]),
    attack('more processes are started', 'start_many', [300], { hole: /does not count the processes/ }),
  ];
  const file = join(world.work, 'requests.json');
  const control = await outcomesOf(sbox.outside, attacks, file);
  const inside = await outcomesOf((argv) => sbox.run(argv, flags), attacks, file);
  for (const tried of attacks) sayCheck(plan, tried, control[tried.id], inside[tried.id]);
  await tryCrowd(sbox, plan);
};
