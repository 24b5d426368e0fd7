// Shows sbox at work in a throw-away workspace: what it hides, what works inside, and that the host stays as it was.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'sbox-demo-'));
// without what npm run puts before PATH: this project's own tools are no part of the demonstration
const path = process.env.PATH.split(':')
  .filter((entry) => !entry.includes('node_modules'))
  .join(':');
const env = { ...process.env, PATH: path, XDG_STATE_HOME: join(folder, 'state') };
const workspace = mkdtempSync(join(folder, 'project-'));
const sbox = new URL('../bin/sbox.js', import.meta.url).pathname;

const watched = [
  join(homedir(), '.npm'),
  join(homedir(), '.local', 'bin'),
  '/usr/local/bin',
  '/usr/local/lib/node_modules',
];
const listing = () => JSON.stringify(watched.map((path) => (existsSync(path) ? readdirSync(path).sort() : 'absent')));

const step = (title, ...args) => {
  console.log(`\n# ${title}\n$ sbox ${args.map((word) => (/[\s;~'"]/.test(word) ? `'${word}'` : word)).join(' ')}`);
  return spawnSync(process.execPath, [sbox, ...args], { cwd: workspace, env, stdio: 'inherit' }).status;
};

try {
  const before = listing();
  const failed = [
    step(
      'The home directory of the sandbox is its own: no keys, no history, no settings.',
      'run',
      '--quiet',
      '--',
      'sh',
      '-c',
      'ls -la ~; ls ~/.ssh; ls /root /var/lib /etc/shadow; exit 0',
    ),
    step(
      'A package of unknown manners is installed "globally": that is, into the sandbox.',
      'run',
      '--quiet',
      '--net',
      'full',
      '--',
      'npm',
      'install',
      '--global',
      '--no-fund',
      '--no-audit',
      'cowsay',
    ),
    step('It runs, without any network.', 'run', '--quiet', '--', 'cowsay', 'what was not declared does not exist'),
    step('What a run enforces, property by property.', 'plan', '--', 'cowsay', 'hello'),
  ].filter((status) => status !== 0);
  const untouched = listing() === before;
  console.log(`\n# The host's own npm prefix, cache and ~/.local/bin: ${untouched ? 'untouched' : 'CHANGED'}.`);
  process.exitCode = failed.length === 0 && untouched ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
