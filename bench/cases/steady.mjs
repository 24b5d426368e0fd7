import { inside } from './material.mjs';

const besides = ['proot', 'srt', 'bwrap'];

/** What runs inside, against the same outside. */
export const steady = ({ material, rungs, peers }) => {
  const group = (title, cwd, argv) => ({
    title: `steady: ${title}`,
    rounds: 7,
    budgetMs: 40_000,
    commands: [
      { name: 'outside', argv, cwd },
      ...rungs.map((rung) => inside(rung, 'none', { argv, cwd, name: `sbox, ${rung}` })),
      ...peers
        .filter(({ name }) => besides.includes(name))
        .map(({ name, wrap }) => ({ name, argv: wrap(argv, cwd), cwd })),
    ],
  });
  /** what asking for every path costs */
  const strict = (title, cwd, argv) => ({
    title: `strict hiding: ${title}`,
    rounds: 5,
    budgetMs: 40_000,
    commands: [
      inside('landlock', 'none', { argv, cwd, name: 'sbox, landlock' }),
      inside('landlock', 'none', { argv, cwd, name: 'sbox, landlock, --hide strict' }, ['--hide', 'strict']),
    ],
  });
  const times = (count, command) => ['sh', '-c', `for i in $(seq ${count}); do ${command} || exit 1; done`];
  const tsc = 'node node_modules/typescript/bin/tsc -p tsconfig.types.json';
  return [
    () => group('git status 20 times, 20,000 files', material.repository(), times(20, 'git status --short')),
    () =>
      group(
        'rg over 100,000 files, twice',
        material.files(100_000),
        times(2, 'rg --quiet --no-ignore "no such line" . || true'),
      ),
    () => group('2,000 processes', material.empty(), times(2000, '/bin/true')),
    () => group('tsc on this project, 3 times', material.project(), times(3, tsc)),
    () => strict('git status, 2,000 files', material.smallRepository(), ['git', 'status', '--short']),
    () => strict('node -e 0', material.empty(), ['node', '-e', '0']),
    () =>
      group('npm ci from a warm cache', material.project(), [
        ...['npm', 'ci', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', './.npm-cache'],
      ]),
  ];
};
