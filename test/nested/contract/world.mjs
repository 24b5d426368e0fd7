import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The two that try each attack: `control` without sbox, `inside` in the sandbox. */
export const triers = ['control', 'inside'];

/** What is secret outside, by where it lies. */
export const secret = { file: "the outsider's file", key: "the operator's key", variable: "the operator's token" };

/** Makes a disposable HOME, workspace and undeclared folder, with a process outside that offers itself to be attacked. */
export const openWorld = async () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'sbox-nested-')));
  const folder = (name) => {
    mkdirSync(join(base, name), { recursive: true });
    return join(base, name);
  };
  const write = (path, content, mode = 0o644) => {
    mkdirSync(join(base, path, '..'), { recursive: true });
    writeFileSync(join(base, path), content, { mode });
  };
  write('home/.ssh/id_rsa', secret.key, 0o600);
  write('home/.config/tool/settings', 'declared');
  write('undeclared/secret.txt', secret.file);
  write('run/secrets/token', secret.file);
  write('work/.git/hooks/pre-commit', '#!/bin/sh\n');
  write('work/.git/config', '[core]\n');
  write('work/planted-tool', '#!/bin/sh\necho planted\n', 0o755);
  for (const who of triers) {
    for (const name of ['append', 'truncate', 'chmod', 'utime', 'xattr', 'rename', 'link', 'remove']) {
      write(`undeclared/${who}-${name}`, 'unchanged');
      write(`declared/${who}-${name}`, 'unchanged');
      write(`work/fixtures/${who}-${name}`, 'unchanged');
      write(`work/${who}-${name}`, 'unchanged');
    }
  }
  copyFileSync(fileURLToPath(new URL('attack.py', import.meta.url)), join(base, 'work/attack.py'));
  const outsider = await startOutsider(folder('undeclared'), folder('declared'), join(base, 'work'));
  const sleepers = [];
  return {
    base,
    home: join(base, 'home'),
    work: join(base, 'work'),
    undeclared: join(base, 'undeclared'),
    declared: join(base, 'declared'),
    write,
    outsider,
    /** a process outside that does nothing */
    startSleeper: () => {
      const child = spawn('sleep', ['600'], { stdio: 'ignore' });
      sleepers.push(child);
      return child;
    },
    env: {
      PATH: ['.', '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
      HOME: join(base, 'home'),
      XDG_STATE_HOME: folder('state'),
      XDG_CONFIG_HOME: folder('config'),
      LANG: 'C.UTF-8',
      SECRET_TOKEN: secret.variable,
      BASH_ENV: '/dev/null',
    },
    close: async () => {
      for (const child of sleepers) child.kill('SIGKILL');
      await outsider.close();
      for (const name of ['undeclared', 'home', 'work']) chmodSync(join(base, name), 0o700);
      rmSync(base, { recursive: true, force: true });
    },
  };
};

/** An address of this machine beside 127.0.0.1. */
const otherAddress = () =>
  Object.values(networkInterfaces())
    .flat()
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.2';

const startOutsider = async (undeclared, declared, work) => {
  const address = otherAddress();
  const program = fileURLToPath(new URL('outsider.py', import.meta.url));
  const child = spawn('/usr/bin/python3', [program, undeclared, declared, address, work], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { OUTSIDER_SECRET: secret.variable },
  });
  const arrived = new Set();
  const lines = createInterface({ input: child.stdout });
  const offers = await new Promise((resolve) => lines.once('line', (line) => resolve(JSON.parse(line))));
  lines.on('line', (text) => arrived.add(text));
  return {
    address,
    offers,
    /** the texts that have reached one of its sockets */
    arrived,
    close: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill();
      }),
  };
};
