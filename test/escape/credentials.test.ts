import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { aCredentialWorld, holdsSecret, readings, secret } from '../support/credential-world.ts';
import { file, type Need, needs, program } from '../support/needs.ts';
import { kernelRungs } from '../support/reach.ts';
import { aWorkspace, eachUser, environmentOf, runOutside, runSbox, sboxCommand, startSbox } from '../support/sbox.ts';
import { startProgram } from '../support/start.ts';
import type { TlsService } from '../support/tls-service.ts';

interface Said {
  readonly echoes: Readonly<Record<string, string>>;
  readonly misuses: Readonly<Record<string, string>>;
}

const saidBy = ({ stdout, stderr, code }: Awaited<ReturnType<typeof runSbox>>): Said => {
  if (code !== 0) throw new Error(`the attempts ended with ${code}: ${stdout}\n${stderr}`);
  return JSON.parse(stdout) as Said;
};

/** Attempts whose request came with the secret in it. */
const misusedAt = (names: readonly string[], ...services: readonly TlsService[]): string[] => {
  const requests = services
    .flatMap((service) => service.arrived())
    .filter(({ text }) => readings(text).some(holdsSecret));
  return names.filter((name) => requests.some(({ text }) => new RegExp(`/${name}\\b(?!-)|\\b${name} `).test(text)));
};

/** The same of echoes, whose requests have the way in their path. */
const usedBy = (names: readonly string[], service: TlsService): string[] => {
  const requests = service.arrived().filter(({ text }) => readings(text).some(holdsSecret));
  const paths: Readonly<Record<string, string>> = {
    'over HTTP/2': '/plain/over-http2',
    'headers over HTTP/2': '/headers/over-http2',
    'in parts': '/ranges/in-parts-0',
    'by a WebSocket': '/websocket',
  };
  return names.filter((name) => requests.some(({ text }) => text.includes(` ${paths[name] ?? `/${name}/${name}`} `)));
};

const leaks = (said: Readonly<Record<string, string>>): string[] =>
  Object.entries(said).flatMap(([name, text]) => (holdsSecret(text) ? [name] : []));

eachUser((as) => {
  test('without sbox, each attempt gets at the key of the environment', async () => {
    await using world = await aCredentialWorld(as);
    const { workspace, api, other } = world;
    const ports = Object.fromEntries([
      ...['api.test:443', 'api.test:80', 'api.test:8443'].map((place) => [place, api.port]),
      ...['other.test:443', 'other.test:80'].map((place) => [place, other.port]),
    ]);
    const attempts = ['node', world.steal, 'ports', JSON.stringify(ports)];
    const said = saidBy(await runOutside(attempts, { ...workspace, env: { KEY: secret } }));
    expect(leaks(said.echoes)).toEqual(Object.keys(said.echoes));
    const names = Object.keys(said.misuses);
    expect(misusedAt(names, api, other)).toEqual(names);
  });

  const ways = kernelRungs.flatMap((rung) => ['proxy', 'names'].map((way) => ({ rung, way })));
  test.each(ways)('on $rung, by $way, none does: the service gets it, the sandbox never', async ({ rung, way }) => {
    await using world = await aCredentialWorld(as);
    const { workspace, api, other } = world;
    const flags = ['--rung', rung, '--config', world.config];
    const said = saidBy(await runSbox(['run', '-q', ...flags, '--', 'node', world.steal, way], workspace));
    // the positive control of this run: the service was asked with the real one, by every way of an answer
    expect(usedBy(Object.keys(said.echoes), api)).toEqual(Object.keys(said.echoes));
    expect(leaks({ ...said.echoes, ...said.misuses })).toEqual([]);
    expect(misusedAt(Object.keys(said.misuses), api, other)).toEqual([]);
  });

  needs(file('/usr/bin/python3', 'python3'), program('curl')).each(kernelRungs)(
    'on %s, no process, file or descriptor gives it away while it is in use, and nothing is left of it',
    async (rung) => {
      await using world = await aCredentialWorld(as);
      const { workspace, api } = world;
      // what a search finds outside: a file of the user, beside the launcher's environment and memory
      const own = workspace.write(`${workspace.home}/key`, secret);
      const search = ['/usr/bin/python3', world.find, Buffer.from(secret).toString('hex'), workspace.base];
      const use = 'curl -sS -H "Authorization: Bearer $KEY" https://api.test/plain/used >&2; exec "$@"';
      const flags = ['--rung', rung, '--config', world.config, '--env', `MARK=${world.config}`];
      const run = startSbox(['run', ...flags, '--', 'sh', '-c', use, 'sh', ...search, '/sbox', '/tmp', '/dev/shm'], {
        ...workspace,
        stdin: 'pipe',
      });
      const inside = JSON.parse(await run.says('}\n')) as Searched;
      const outside = await runOutside(search, { ...workspace, env: { MARK: world.config, HARMLESS: '1' } });
      const { found } = JSON.parse(outside.stdout) as Searched;
      run.child.stdin?.end();
      const ended = await run.ended;

      expect(ended, ended.stderr).toMatchObject({ code: 0 });
      expect(api.arrived().some(({ text }) => text.includes('/plain/used') && holdsSecret(text))).toBe(true);
      expect(found).toEqual(expect.arrayContaining([`environ of ${run.pid}`, 'memory of the marked', `file ${own}`]));
      expect(found).toEqual(expect.arrayContaining(['PTRACE_ATTACH of the marked', 'pidfd_getfd of the marked']));
      expect(inside.found).toEqual([]);
      // there the launcher shows, with its name and arguments; and nothing else of it opens, not even to its own user
      const closed = Object.values(inside.refused).filter((error) => !['EACCES', 'EPERM', 'ESRCH'].includes(error));
      expect(closed).toEqual(rung === 'landlock' ? ['read, not there'] : []);
      expect(Object.keys(inside.refused).length).toBe(rung === 'landlock' ? 17 : 0);
      expect(holdsSecret(ended.stdout + ended.stderr)).toBe(false);
      const after = await runOutside(search, { ...workspace, env: { MARK: world.config } });
      const left = (JSON.parse(after.stdout) as Searched).found.filter((where) => where.startsWith('file '));
      expect(left).toEqual([`file ${own}`]);
    },
  );

  test.each(kernelRungs)('on %s, no program that an earlier command has left on PATH is run for one', async (rung) => {
    const workspace = aWorkspace(as);
    const [mark, out] = ['ran', 'planted'].map((name) => join(workspace.base, name)) as [string, string];
    const own = workspace.write(join(workspace.base, 'tools/gh'), '#!/bin/sh\necho "$OWN_TOKEN"\n', 0o755);
    const token = 'ghp_Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0KeuTsA';
    const bins = join(workspace.cwd, 'node_modules/.bin');
    // as `npm run` sets it; a folder of the user's leads to the second
    const PATH = `${bins}:${workspace.link(bins, out)}:${dirname(own)}:${environmentOf(workspace)['PATH']}`;
    const world = { ...workspace, env: { PATH, MARK: mark, OWN_TOKEN: token } };
    const gh = '#!/bin/sh\necho ran >> "$MARK"; echo ghp_0000000000000000000000000000000000000\n';
    const plant = `mkdir -p node_modules/.bin; printf '%s' "$1" > node_modules/.bin/gh; chmod +x node_modules/.bin/gh`;
    const planted = await runSbox(['run', '-q', '--rung', rung, '--', 'sh', '-c', plant, 'sh', gh], world);
    expect(planted, planted.stderr).toMatchObject({ code: 0 });

    const listed = await runSbox(['credentials', '--json'], world);
    const elsewhere = await runSbox(['credentials', '--json'], { ...world, cwd: workspace.home });
    const show = ['--credential', 'github', '--', 'sh', '-c', 'echo "$GH_TOKEN"'];
    const run = await runSbox(['run', '-q', '--rung', rung, ...show], world);
    expect([existsSync(mark), listed.code, elsewhere.code]).toEqual([false, 0, 0]);
    for (const { stdout } of [listed, elsewhere])
      expect(stdout).toContain('the command \\"gh auth token --hostname github.com\\"');
    expect(run, run.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ghp_\w{36}\n$/) });
    expect(run.stdout).not.toContain(token);
    // the positive control: it is the first of its name
    await runOutside(['gh'], world);
    expect(readFileSync(mark, 'utf8')).toBe('ran\n');
  });

  test('certificates that the command can write vouch for no server that the secret would go to', async () => {
    await using world = await aCredentialWorld(as);
    const { workspace, config, api } = world;
    const ask = 'fetch("https://api.test/plain/x", { headers: { authorization: "Bearer " + process.env.KEY } })';
    const show = `${ask}.then((answer) => answer.text()).then(console.log)`;
    const run = (ca: string) =>
      runSbox(['run', '--config', config, '--', 'node', '-e', show], {
        ...workspace,
        env: { ...workspace.env, NODE_EXTRA_CA_CERTS: ca },
      });
    const planted = workspace.write('ca.pem', api.certificatePem);
    for (const path of [planted, workspace.link(planted, join(workspace.base, 'linked.pem'))]) {
      const { stdout, stderr } = await run(path);
      expect(stdout).toContain('the certificate of api.test is not trusted');
      expect(stderr).toContain(
        `the certificates in "${path}" (NODE_EXTRA_CA_CERTS) are not trusted: the command can write`,
      );
    }
    expect(api.arrived()).toEqual([]);
    // the positive control: the same certificates where the command can't write
    await run(workspace.env['NODE_EXTRA_CA_CERTS'] ?? '');
    expect(api.arrived().filter(({ text }) => holdsSecret(text))).toHaveLength(1);
  });

  // a signal reaches the launcher from inside only where Landlock has no scope for it and there is no namespace of processes
  needs(plainCores)('a core dump of the launcher, which a later command could read, does not hold it', async () => {
    await using world = await aCredentialWorld(as);
    const { workspace, config } = world;
    const dump = async (argv: readonly string[]): Promise<boolean[]> => {
      const dumping = ['sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh', ...argv];
      const started = startProgram(dumping, workspace);
      await started.says('ready');
      process.kill(started.pid, 'SIGABRT');
      expect((await started.ended).signal).toBe('SIGABRT');
      const cores = readdirSync(workspace.cwd).filter((name) => name.startsWith('core'));
      const held = cores.map((name) => readFileSync(join(workspace.cwd, name)).includes(secret));
      for (const name of cores) rmSync(join(workspace.cwd, name));
      return held;
    };
    expect(await dump(['node', '-e', 'setInterval(() => {}, 1000); console.log("ready")'])).toEqual([true]);
    const run = ['run', '-q', '--config', config, '--', 'sh', '-c', 'echo ready; exec sleep 60'];
    expect(await dump(sboxCommand(run))).not.toContain(true);
  });

  test('nothing that sbox prints or writes down holds it', async () => {
    await using world = await aCredentialWorld(as);
    const { workspace, config } = world;
    const said = async (...args: string[]): Promise<string> => {
      const ended = await runSbox(args, workspace);
      return `${ended.stdout}${ended.stderr}`;
    };
    const ask = [
      'node',
      '-e',
      'fetch("https://api.test/plain/x", { headers: { cookie: process.env.KEY } }).catch(String)',
    ];
    const run = ['--config', config, '--json', '--', ...ask];
    const texts = await Promise.all([
      ...[said('run', ...run), said('run', '--dry-run', ...run), said('plan', ...run)],
      said('plan', '--config', config, '--', 'true'),
      ...[said('credentials'), said('credentials', '--json'), said('doctor'), said('validate', config)],
    ]);
    texts.push(await said('log', '--json'), await said('log'));
    expect(texts.map((text) => text !== '')).toEqual(texts.map(() => true));
    expect(texts.filter(holdsSecret)).toEqual([]);
    expect(texts.at(-2)).toContain('"reason":"placeholder"');
  });
});

/** A core dump is a file in the folder of the process that it is of (core(5)). */
const plainCores: Need = {
  what: 'a plain name in /proc/sys/kernel/core_pattern, and core dumps not forbidden',
  isThere: () =>
    /^core[^/|]*$/.test(readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()) &&
    /^Max core file size\s+\S+\s+unlimited/m.test(readFileSync('/proc/self/limits', 'utf8')),
};

interface Searched {
  readonly found: readonly string[];
  /** by way: why the launcher gave nothing; empty where it can't be seen */
  readonly refused: Readonly<Record<string, string>>;
  readonly files: number;
}
