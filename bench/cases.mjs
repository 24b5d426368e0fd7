import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const sboxScript = new URL('../bin/sbox.js', import.meta.url).pathname;
const repository = new URL('..', import.meta.url).pathname;
const sbox = (...args) => [process.execPath, sboxScript, 'run', '--quiet', ...args];
const findProgram = (name) =>
  process.env.PATH.split(':')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** Cases by name. Each makes what it needs below `folder`, and gives groups of commands; the first of a group is what it is compared with. */
export const cases = {
  /** a whole run of `true`, against Node alone */
  start: (folder, available) => {
    const cwd = makeFolder(folder, 'empty');
    const run = (name, argv) => ({ name, argv, cwd });
    const bwrap = findProgram('bwrap');
    return [
      {
        title: 'start: a whole run of `true`',
        rounds: 40,
        commands: [
          run('node -e 0', [process.execPath, '-e', '0']),
          ...available.map((rung) =>
            run(`sbox, ${rung}, --net none`, sbox('--rung', rung, '--net', 'none', '--', 'true')),
          ),
          ...available
            .slice(0, 1)
            .map((rung) => run(`sbox, ${rung}, --net full`, sbox('--rung', rung, '--net', 'full', '--', 'true'))),
          ...(bwrap
            ? [
                run('bwrap (Bubblewrap)', [
                  bwrap,
                  '--unshare-all',
                  '--ro-bind',
                  '/',
                  '/',
                  '--dev',
                  '/dev',
                  '--proc',
                  '/proc',
                  'true',
                ]),
              ]
            : []),
        ],
      },
    ];
  },

  /** what runs inside, against the same outside */
  steady: (folder, available) => {
    const repo = makeRepository(makeFolder(folder, 'repository'), 20_000);
    const project = makeProject(makeFolder(folder, 'project'));
    const many = (command, times) => ['sh', '-c', `for i in $(seq ${times}); do ${command} || exit 1; done`];
    const group = (title, cwd, argv, rounds) => ({
      title,
      rounds,
      commands: [
        { name: 'outside', argv, cwd },
        ...available
          .filter((rung) => rung !== 'portable')
          .map((rung) => ({ name: rung, argv: sbox('--rung', rung, '--net', 'none', '--', ...argv), cwd })),
      ],
    });
    return [
      group('steady: git status 80 times, 20,000 files', repo, many('git status --short', 80), 5),
      group(
        'steady: tsc on this project 10 times',
        project,
        many('node node_modules/typescript/bin/tsc -p tsconfig.types.json', 10),
        5,
      ),
      group(
        'steady: npm ci from a warm cache',
        project,
        ['sh', '-c', 'npm ci --offline --no-audit --no-fund --cache ./.npm-cache'],
        5,
      ),
      group('steady: 4,000 processes', repo, ['sh', '-c', 'for i in $(seq 4000); do /bin/true; done'], 5),
    ];
  },

  /** how the start grows with the workspace */
  growth: (folder, available) => {
    const [rung] = available;
    const command = (name, cwd) => ({ name, argv: sbox('--rung', rung, '--net', 'none', '--', 'true'), cwd });
    return [
      {
        title: 'growth: the start in a workspace of so many files',
        rounds: 20,
        commands: [
          command('0', makeFolder(folder, 'empty')),
          command('100,000', makeFiles(makeFolder(folder, 'large'), 100_000)),
        ],
      },
    ];
  },
};

const makeFolder = (folder, name) => {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
};

const makeFiles = (folder, count) => {
  for (let index = 0; index < count; index++) {
    if (index % 500 === 0) mkdirSync(join(folder, `d${index / 500}`), { recursive: true });
    writeFileSync(join(folder, `d${Math.floor(index / 500)}`, `f${index}`), `${index}\n`);
  }
  return folder;
};

const makeRepository = (folder, files) => {
  makeFiles(folder, files);
  const git = (...args) =>
    execFileSync('git', ['-c', 'user.name=b', '-c', 'user.email=b@b', ...args], { cwd: folder, stdio: 'ignore' });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'all');
  return folder;
};

/** This project's own sources and dependencies, with a cache that knows them all. */
const makeProject = (folder) => {
  execFileSync('git', ['-C', repository, 'archive', '--format=tar', '-o', join(folder, 'a.tar'), 'HEAD']);
  execFileSync('tar', ['-xf', 'a.tar'], { cwd: folder });
  execFileSync('npm', ['pkg', 'delete', 'scripts.prepare'], { cwd: folder });
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--cache', './.npm-cache'], { cwd: folder, stdio: 'ignore' });
  return folder;
};
