import { join } from 'node:path';
import { outcomesOf, sayCheck } from './sbox.mjs';

/** Changes a read-only mount that lies in the writable workspace. A rung that can't keep it from that has to refuse the run. */
export const tryInnerMount = async (sbox, { work }, plan) => {
  const flags = ['-m', `${join(work, 'fixtures')}:ro`];
  const file = join(work, 'requests.json');
  const attackOf = (who) => ({
    property: 'write',
    id: 'a read-only mount in the workspace is written to',
    do: 'append',
    args: [join(work, 'fixtures', `${who}-append`)],
  });
  const attack = attackOf('inside');
  const control = await outcomesOf(sbox.outside, [attackOf('control')], file);
  const tried = await sbox.run(['true'], flags);
  const inside =
    tried.status === 0
      ? (await outcomesOf((argv) => sbox.run(argv, flags), [attack], file))[attack.id]
      : `refused with ${tried.status}`;
  sayCheck(plan, attack, control[attack.id], inside);
};
