import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { say } from './sbox.mjs';

/** Plants links in HOME, through which the next run's own links would be made elsewhere. */
export const tryPlantedLinks = async (sbox, { undeclared, work }) => {
  const plant = (home) => `cd "${home}" && rm -rf .config && ln -s "${undeclared}" .config`;
  const landed = () => readdirSync(undeclared).includes('tool');
  const make = `home=${join(work, 'own-home')}; mkdir -p "$home/.config"; ${plant('$home')}; ln -s x "$home/.config/tool"`;
  await sbox.outside(['sh', '-c', make]);
  const control = landed() ? 'works' : 'no effect';
  rmSync(join(undeclared, 'tool'), { force: true });
  await sbox.run(['sh', '-c', plant('$HOME')], ['--name', 'planted']);
  const before = readdirSync(undeclared).join();
  await sbox.run(['true'], ['--name', 'planted']);
  const inside = landed() || readdirSync(undeclared).join() !== before ? 'works' : 'no effect';
  say({
    kind: 'check',
    network: 'limited',
    property: 'write',
    status: 'every',
    attack: "a planted link leads the next run's own links astray",
    where: 'everywhere',
    control,
    inside,
    expected: 'fails',
  });
};
