import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outcomesOf, sayCheck } from './sbox.mjs';

/** Pushes bytes into the input of the terminal that the command has. */
export const tryTerminal = async (sbox, world, plan) => {
  const onTerminal = ['/usr/bin/python3', fileURLToPath(new URL('terminal.py', import.meta.url))];
  const attack = { property: 'tty', id: 'a byte is pushed into the terminal', do: 'push', args: ['5412'] };
  const file = join(world.work, 'requests.json');
  const control = await outcomesOf((argv) => sbox.outside([...onTerminal, ...argv]), [attack], file);
  const inside = await outcomesOf((argv) => sbox.outside([...onTerminal, ...sbox.command(argv)]), [attack], file);
  const where = kernelAllowsIt() ? 'everywhere' : 'somewhere';
  sayCheck(plan, { ...attack, control: where }, control[attack.id], inside[attack.id]);
};

/** Since Linux 6.2 the kernel may refuse it to everyone (dev.tty.legacy_tiocsti). */
const kernelAllowsIt = () => {
  try {
    return readFileSync('/proc/sys/dev/tty/legacy_tiocsti', 'utf8').trim() === '1';
  } catch {
    return true;
  }
};
