import { fileURLToPath } from 'node:url';
import { sbox } from './material.mjs';

const script = fileURLToPath(new URL('library-runs.mjs', import.meta.url));

/** Many runs in one process, as a program that embeds sbox makes them: no start of Node for each. */
export const library = ({ material, rungs, peers }) => {
  const [cwd, rung] = [material.empty(), rungs[0]];
  const times = (argv) => ['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do "$@" || exit 1; done', 'sh', ...argv];
  const bwrap = peers.find(({ name }) => name === 'bwrap');
  return [
    {
      title: 'library: 10 runs of `true`, one after the other',
      rounds: 12,
      budgetMs: 30_000,
      commands: [
        {
          name: 'the command line 10 times',
          own: true,
          argv: times(sbox('--rung', rung, '--net', 'none', '--', 'true')),
          cwd,
        },
        { name: 'one process, the library', own: true, argv: [process.execPath, script, '10', rung], cwd },
        ...(bwrap ? [{ name: 'bwrap 10 times', argv: times(bwrap.wrap(['true'], cwd)), cwd }] : []),
      ],
    },
  ];
};
