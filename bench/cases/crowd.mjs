import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { plainEnv } from '../measure.mjs';
import { inside, makeFolder } from './material.mjs';

const besides = ['bwrap', 'firejail', 'srt', 'crun'];

/** How long it takes until so many sandboxes are up, all started at once, and what they keep alive beside the command. */
export const scale = (context) =>
  [1, 10, 100]
    .filter((count) => count <= context.most)
    .map((count) => ({
      title: `scale: until ${count} at once are up`,
      rounds: count >= 100 ? 3 : 5,
      budgetMs: 40_000,
      weight: true,
      commands: [
        crowdOf(context, count, { name: 'sh alone', wrap: (argv) => argv }),
        ...context.rungs.map((rung) => crowdOf(context, count, sboxAs(rung, 'none'))),
        ...context.rungs.slice(0, 1).map((rung) => crowdOf(context, count, sboxAs(rung, 'limited'))),
        ...context.peers
          .filter(({ name }) => besides.includes(name) && (count <= 10 || name === 'bwrap'))
          .map((peer) => crowdOf(context, count, peer)),
      ],
    }));

/** What one idle sandbox keeps alive, by rung and mode. */
export const memory = (context) => [
  {
    title: 'memory: what one sandbox keeps alive beside an idle command',
    rounds: 5,
    budgetMs: 40_000,
    weight: true,
    commands: [
      crowdOf(context, 1, { name: 'sh alone', wrap: (argv) => argv }),
      ...context.rungs.flatMap((rung) =>
        ['none', 'limited', 'full'].map((mode) => crowdOf(context, 1, sboxAs(rung, mode))),
      ),
      ...context.peers.filter(({ name }) => besides.includes(name)).map((peer) => crowdOf(context, 1, peer)),
    ],
  },
];

const sboxAs = (rung, mode) => ({
  name: `sbox, ${rung}, --net ${mode}`,
  own: true,
  wrap: (argv, cwd) => inside(rung, mode, { argv, cwd }).argv,
});

/** Each says by a file in the working folder that it is up, then waits for the end of its input. */
const crowdOf = ({ material, runner }, count, { name, own, wrap }) => ({
  name,
  own,
  sample: async () => {
    const cwd = makeFolder(material.folder, 'crowd');
    const ready = join(cwd, 'ready');
    rmSync(ready, { recursive: true, force: true });
    mkdirSync(ready);
    const commands = Array.from({ length: count }, (_, index) => ({
      argv: wrap(['sh', '-c', `: > ready/${index}; read -r word; exit 0`], cwd),
      cwd,
      env: plainEnv,
    }));
    const used = await runner.ask({ commands, ready, payload: ': > ready/' });
    if (used.status === 0 && used.up === count) return used;
    throw new Error(`${used.up} of ${count} came up, ${used.status} failed: ${used.stderr?.trim()}`);
  },
});
