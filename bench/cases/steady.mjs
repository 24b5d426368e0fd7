import { makeWorker } from '../worker.mjs';
import { inside } from './material.mjs';

const besides = ['proot', 'srt', 'bwrap'];

/** What a command takes in a sandbox that stands, against the same outside: in turns, command by command. */
export const steady = ({ material, rungs, peers }) => {
  const sbox = (rung, flags) => (argv, cwd) => inside(rung, 'none', { argv, cwd }, flags).argv;
  const group = (title, cwd, command, rounds, ways) => {
    const workers = ways.map(({ wrap, ...way }) => ({ ...way, ...makeWorker(command, cwd, wrap) }));
    return {
      title,
      rounds,
      budgetMs: 25_000,
      commands: workers,
      close: () => Promise.all(workers.map(({ close }) => close())),
    };
  };
  const against = (title, cwd, command, rounds) =>
    group(`steady: ${title}`, cwd, command, rounds, [
      { name: 'outside', wrap: (argv) => argv },
      ...rungs.map((rung) => ({ name: `sbox, ${rung}`, own: true, wrap: sbox(rung, []) })),
      ...peers.filter(({ name }) => besides.includes(name)),
    ]);
  /** what asking for every path costs */
  const strict = (title, cwd, command) =>
    group(`strict hiding: ${title}`, cwd, command, 25, [
      { name: 'sbox, landlock', own: true, wrap: sbox('landlock', []) },
      { name: 'sbox, landlock, --hide strict', own: true, wrap: sbox('landlock', ['--hide', 'strict']) },
    ]);
  const processes = 'i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done';
  const tsc = 'node node_modules/typescript/bin/tsc -p tsconfig.types.json';
  const npm = 'npm ci --offline --ignore-scripts --no-audit --no-fund --cache ./.npm-cache';
  return [
    () => against('git status, 20,000 files', material.repository(), 'git status --short', 60),
    () =>
      against('rg over 100,000 files', material.files(100_000), '{ rg -q --no-ignore "no such line" . || true; }', 15),
    () => against('200 processes', material.empty(), `{ ${processes}; }`, 40),
    () => against('tsc on this project', material.project(), tsc, 15),
    () => strict('git status, 2,000 files', material.smallRepository(), 'git status --short'),
    () => strict('node -e 0', material.empty(), 'node -e 0'),
    () => against('npm ci from a warm cache', material.project(), npm, 9),
  ];
};
