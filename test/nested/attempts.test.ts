import { execFileSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { compile, fixture } from '../support/compile.ts';
import { builtPackage } from '../support/package-copy.ts';
import { environments } from './environments.ts';
import { needsContainers } from './needs-containers.ts';
import { runNested } from './run-contract.ts';

const possible = needsContainers();

const attempt = async (variant: string, name: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> => {
  const folder = builtPackage();
  cpSync(fileURLToPath(new URL('attempts.mjs', import.meta.url)), join(folder, 'attempts.mjs'));
  for (const name of ['escape/reach.py', 'network/clients.py']) cpSync(fixture(name), join(folder, basename(name)));
  if (!existsSync(join(folder, 'storm'))) compile('escape/storm.c', join(folder, 'storm'), ['-static']);
  const argv = [process.execPath, join(folder, 'attempts.mjs'), join(folder, 'bin/sbox.js'), name];
  const { status, stdout, stderr } = await runNested({ variant }, argv, env);
  if (status !== 0) throw new Error(`${name} in ${variant} ended with ${status}: ${stdout}\n${stderr}`);
  return JSON.parse(stdout);
};

const named = (...variants: readonly string[]) =>
  environments.filter(({ variant, deny }) => variants.includes(variant) && !deny);

describe.skipIf(!possible).each(named('docker', 'docker-user', 'k8s', 'host-user'))('$name', ({ variant }) => {
  test('nothing survives a launcher that is killed at any moment', async () => {
    expect(await attempt(variant, 'killed at any moment')).toEqual({
      reached: expect.toSatisfy((n) => n > 0),
      alive: 0,
    });
  });

  test('nothing survives a supervisor that the command has run out of processor time', async () => {
    expect(await attempt(variant, 'a supervisor out of processor time')).toEqual({ alive: 0 });
  });

  test('a supervisor that the command keeps busy still ends everything when the launcher is killed', async () => {
    expect(await attempt(variant, 'a busy supervisor')).toEqual({ alive: 0 });
  });

  test('without sbox, such a daemon survives', async () => {
    expect(await attempt(variant, 'a daemon without sbox')).toEqual({ alive: 1 });
  });

  test('what the command leaves in its temporary folder stops no later run', async () => {
    expect(await attempt(variant, 'traps in the temporary folder')).toEqual({ statuses: [0, 0, 0], said: '', left: 0 });
  });

  test('no way leads to a server of the machine that is not listed, and clients keep working', async () => {
    const ended = (await attempt(variant, 'the network')) as { ways: number };
    // reaching an unlisted server in each way is the control; the listed one is reached in each but by a device of its own
    expect(ended).toMatchObject({ outside: ended.ways, reached: 0, seen: 0, wrong: [] });
    expect(ended).toMatchObject({ allowed: expect.toSatisfy((n) => n >= ended.ways - 1) });
  });

  test('a limit of processes that others of the user have used up is an error that says so, where they are counted', async () => {
    const ended = await attempt(variant, 'a limit of processes');
    const refused = { status: 125, stderr: expect.stringMatching(/all processes of the user count/) };
    expect(ended).toMatchObject(['docker-user', 'k8s'].includes(variant) ? refused : { status: 7, stderr: '' });
  });
});

describe.skipIf(!possible).each(named('docker', 'k8s'))('$name, with the network', ({ variant }) => {
  test('npm install -g works and touches nothing outside', async () => {
    expect(
      await attempt(variant, 'npm install -g', {
        ...(process.env as Record<string, string>),
        NESTED_NET: 'host',
        NESTED_KEEP_ENV: '1',
      }),
    ).toEqual({
      status: 0,
      lines: ['1.3.0', 'semver'],
      stderr: '',
      outside: false,
    });
  });

  test('the real Claude Code works, and its Bash tool sees no secret of the real HOME', async () => {
    const folder = builtPackage();
    if (!existsSync(join(folder, 'claude'))) installClaude(folder);
    expect(await attempt(variant, 'Claude Code')).toEqual({
      outside: [0, true, true],
      inside: [0, false, false],
      calls: 2,
      made: true,
      stderr: '',
    });
  });

  test('Claude Code works with a key that stays outside: its Bash tool sees a placeholder', async () => {
    const folder = builtPackage();
    if (!existsSync(join(folder, 'claude'))) installClaude(folder);
    expect(await attempt(variant, 'Claude Code, its key outside')).toEqual({
      ...{ status: 0, stderr: '', calls: 1 },
      ...{ keyAtTheApi: true, keyInside: false, placeholderInside: true },
    });
  });
});

describe.skipIf(!possible).each(named('docker', 'docker-user', 'k8s', 'host-nouserns'))(
  '$name, with a key',
  ({ variant }) => {
    test('a launcher that holds it gives it to nobody inside, with an older Landlock neither', async () => {
      cpSync(fixture('escape/find-secret.py'), join(builtPackage(), 'find-secret.py'));
      const nothing = { status: 0, found: [], open: [['cmdline', 'read, not there']] };
      expect(await attempt(variant, 'a key in the launcher')).toEqual({
        own: { ...nothing, control: true },
        older: nothing,
      });
    });
  },
);

/** The client, and the stand-in of its API as plain JavaScript. */
const installClaude = (folder: string): void => {
  const prefix = join(folder, 'claude');
  const flags = ['--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', '-g', '--prefix', prefix, ...flags, '@anthropic-ai/claude-code'], {
    stdio: 'inherit',
  });
  for (const name of ['fake-anthropic', 'tls-service']) {
    buildSync({
      entryPoints: [fileURLToPath(new URL(`../support/${name}.ts`, import.meta.url))],
      outfile: join(folder, `${name}.mjs`),
      bundle: true,
      format: 'esm',
      platform: 'node',
    });
  }
};
