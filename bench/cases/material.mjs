import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sboxScript = fileURLToPath(new URL('../../bin/sbox.js', import.meta.url));
const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The whole command that runs something in sbox. */
export const sbox = (...args) => [process.execPath, sboxScript, 'run', '--quiet', ...args];

/** `sbox, RUNG, --net MODE` around a command; marked as own: it may not be left out in silence. */
export const inside = (rung, mode, { argv, cwd, name }, flags = []) => ({
  name: name ?? `sbox, ${rung}, --net ${mode}`,
  own: true,
  argv: sbox('--rung', rung, '--net', mode, ...flags, '--', ...argv),
  cwd,
});

/** What several cases work on; each is made when it is first asked for, below `folder`. */
export const openMaterial = (folder) => {
  const made = new Map();
  const once = (name, make) => () => {
    if (!made.has(name)) made.set(name, make(makeFolder(folder, name)));
    return made.get(name);
  };
  return {
    folder,
    empty: once('empty', (path) => path),
    files: (count) => once(`files-${count}`, (path) => makeFiles(path, count))(),
    repository: once('repository', (path) => makeRepository(path, 20_000)),
    smallRepository: once('small-repository', (path) => makeRepository(path, 2_000)),
    project: once('project', makeProject),
  };
};

export const makeFolder = (folder, name) => {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
};

const makeFiles = (folder, count) => {
  for (let index = 0; index < count; index++) {
    if (index % 500 === 0) mkdirSync(join(folder, `d${index / 500}`), { recursive: true });
    writeFileSync(join(folder, `d${Math.floor(index / 500)}`, `f${index}`), `line ${index}\n`);
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
  const quiet = { cwd: folder, stdio: 'ignore', timeout: 120_000 };
  execFileSync('npm', ['pkg', 'delete', 'scripts.prepare'], quiet);
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--cache', './.npm-cache'], quiet);
  return folder;
};
