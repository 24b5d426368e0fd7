import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inside, makeFolder } from './material.mjs';

/** How the start grows with what a run is given: the slope is the last step's cost for one more. */
export const growth = ({ material, rungs: [rung] }) => {
  const group = (title, counts, command) => ({
    title: `growth: the start ${title}`,
    rounds: 12,
    budgetMs: 30_000,
    counts,
    commands: counts.map((count) => command(count)),
  });
  const run = (name, cwd, flags) =>
    inside(rung, 'limited', { argv: ['true'], cwd, name: name.toLocaleString('en') }, flags);
  return [
    () =>
      group('with so many mounts', [1, 10, 100, 500], (count) => run(count, material.empty(), mounts(material, count))),
    () =>
      group('in a workspace of so many files', [1, 1000, 100_000], (count) => run(count, material.files(count), [])),
    () =>
      group('with so many allowed names', [1, 100, 10_000], (count) =>
        run(count, material.empty(), ['--config', allowing(material, count)]),
      ),
  ];
};

const mounts = (material, count) => {
  const folder = makeFolder(material.folder, 'mounts');
  return Array.from({ length: count }, (_, index) => ['--mount', `${makeFolder(folder, `m${index}`)}:ro`]).flat();
};

const allowing = (material, count) => {
  const file = join(material.folder, `allow-${count}.json`);
  const allow = Array.from({ length: count }, (_, index) => `host-${index}.example.com`);
  writeFileSync(file, JSON.stringify({ network: { mode: 'limited', allow } }));
  return file;
};
