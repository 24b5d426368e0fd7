import { inside } from './material.mjs';

const modes = ['none', 'limited', 'full'];

/** A whole run: of `true` on each rung and in each mode and in each peer, and of the smallest Node program. */
export const start = ({ material, rungs, peers }) => {
  const cwd = material.empty();
  const node = [process.execPath, '-e', '0'];
  const all = (argv) => [
    ...rungs.flatMap((rung) => modes.map((mode) => inside(rung, mode, { argv, cwd }))),
    ...peers.map(({ name, wrap }) => ({ name, argv: wrap(argv, cwd), cwd })),
  ];
  return [
    {
      title: 'start: a whole run of `true`, beside Node alone',
      rounds: 25,
      budgetMs: 60_000,
      commands: [{ name: 'node -e 0', argv: node, cwd }, { name: 'true', argv: ['true'], cwd }, ...all(['true'])],
    },
    {
      title: 'start: a whole run of `node -e 0`, beside the same outside',
      rounds: 15,
      budgetMs: 40_000,
      commands: [{ name: 'outside', argv: node, cwd }, ...all(node).filter(({ name }) => !name.endsWith('full'))],
    },
  ];
};
