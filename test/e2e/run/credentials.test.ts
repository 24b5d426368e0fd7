import { execFileSync } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serveGit } from '../../support/git-service.ts';
import { file, needs, program } from '../../support/needs.ts';
import { kernelRungs } from '../../support/reach.ts';
import { aWorkspace, eachUser, runSbox, type User, type Workspace } from '../../support/sbox.ts';
import { openTlsService, type ServiceListener } from '../../support/tls-service.ts';

const secret = 'Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0KeuTsAaWq';

/** A service of a name on loopback, and a document that leads there with credentials. */
const aWorld = async (
  as: User,
  host: string,
  credentials: readonly unknown[],
  listener: ServiceListener,
  allow: readonly string[] = [],
) => {
  const workspace = aWorkspace(as);
  const service = await openTlsService({ names: [host] }, listener);
  const network = { mode: 'limited', allow, hosts: { [host]: `127.0.0.1:${service.port}` } };
  const config = aDocument(workspace, { extends: 'default', credentials, network });
  const ca = workspace.write(join(workspace.base, 'ca.pem'), service.certificatePem);
  return {
    workspace,
    run: (rung: string, script: string, env: Record<string, string>) =>
      runSbox(['run', '-q', '--rung', rung, '--config', config, '--', 'sh', '-euc', script], {
        ...workspace,
        env: { NODE_EXTRA_CA_CERTS: ca, ...env },
      }),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
};

const aDocument = (workspace: Workspace, document: object): string =>
  workspace.write(join(workspace.base, 'credentials.json'), JSON.stringify(document));

const clients = [
  ['curl', 'curl -fsS -H "Authorization: Bearer $KEY" https://api.test/'],
  [
    'urllib of Python',
    `/usr/bin/python3 -c 'import os, urllib.request as u
print(u.urlopen(u.Request("https://api.test/", headers={"Authorization": "Bearer " + os.environ["KEY"]})).read().decode())'`,
  ],
  [
    'fetch of Node',
    `node -e 'fetch("https://api.test/", { headers: { authorization: "Bearer " + process.env.KEY } }).then((a) => a.text()).then(console.log)'`,
  ],
] as const;
const withoutProxy = 'unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NODE_USE_ENV_PROXY; ';

eachUser((as) => {
  needs(program('curl'), file('/usr/bin/python3', 'python3')).each(kernelRungs)(
    'on %s, clients send the real value, with the variables of the proxy and without them',
    async (rung) => {
      const got: (string | undefined)[] = [];
      const credential = { name: 'mine', sources: [{ env: 'REAL' }], env: 'KEY', hosts: ['api.test'] };
      await using world = await aWorld(as, 'api.test', [credential], (request, response) => {
        got.push(request.headers.authorization);
        response.end(`you sent ${request.headers.authorization}`);
      });
      const script = clients.flatMap(([, line]) => [line, `(${withoutProxy}${line})`]).join('\n');
      const ended = await world.run(rung, `echo "KEY=$KEY"\n${script}`, { REAL: secret });
      expect(ended, ended.stderr).toMatchObject({ code: 0 });
      expect(got).toEqual(Array.from({ length: 6 }, () => `Bearer ${secret}`));
      const placeholder = /KEY=(\S+)/.exec(ended.stdout)?.[1];
      expect(ended.stdout.match(/you sent .*?(?=\n|you|$)/g)).toEqual(got.map(() => `you sent Bearer ${placeholder}`));
      expect(ended.stdout).not.toContain(secret);
    },
  );

  needs(program('wget'), program('javac')).each(kernelRungs)(
    'on %s, wget and Java trust the run’s certificate',
    async (rung) => {
      const got: (string | undefined)[] = [];
      const credential = { name: 'mine', sources: [{ env: 'REAL' }], env: 'KEY', hosts: ['api.test'] };
      await using world = await aWorld(as, 'api.test', [credential], (request, response) => {
        got.push(request.headers.authorization);
        response.end('answered\n');
      });
      world.workspace.write('Ask.java', javaClient);
      const script = `wget -qO- --header "Authorization: Bearer $KEY" https://api.test/
        java Ask.java`;
      const ended = await world.run(rung, script, { REAL: secret });
      expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'answered\nanswered\n' });
      expect(got).toEqual([`Bearer ${secret}`, `Bearer ${secret}`]);
    },
  );

  needs(program('git')).each(kernelRungs)(
    'on %s, git clones and pushes over https with a token that stays outside',
    async (rung) => {
      const token = `ghp_${secret.slice(0, 36)}`;
      const basic = `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
      const roots: string[] = [];
      await using world = await aWorld(as, 'github.com', ['github'], (...both) =>
        serveGit(roots[0] ?? '', basic)(...both),
      );
      const root = world.workspace.mkdir(join(world.workspace.base, 'repositories'));
      roots.push(root);
      const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
      git('init', '-q', '--bare', '-b', 'main', 'mine.git');
      git('-C', 'mine.git', 'config', 'http.receivepack', 'true');
      const script = `git clone -q https://github.com/mine.git; cd mine
      git -c user.name=me -c user.email=me@test commit -q --allow-empty -m made-inside
      git push -q origin HEAD:main; git ls-remote origin main; env; cat .git/config`;
      const ended = await world.run(rung, script, { GH_TOKEN: token });
      expect(ended, ended.stderr).toMatchObject({ code: 0 });
      expect(git('-C', 'mine.git', 'log', '--format=%s', 'main')).toBe('made-inside\n');
      for (const real of [token, basic.slice(6)]) expect(ended.stdout + ended.stderr).not.toContain(real);
    },
  );

  needs(program('npm')).each(kernelRungs)(
    'on %s, npm shows who it is and publishes with a token that stays outside',
    async (rung) => {
      const token = `npm_${secret.slice(0, 36)}`;
      const published: string[] = [];
      await using world = await aWorld(
        as,
        'registry.test',
        ['npm'],
        (request, response) => {
          request.resume();
          if (request.headers.authorization !== `Bearer ${token}`) return void response.writeHead(401).end('{}');
          if (request.method === 'PUT') published.push(request.url ?? '');
          const known = request.url === '/-/whoami' || request.method === 'PUT';
          json(response, known ? 200 : 404, { username: 'the-real-me', ok: true });
        },
        ['registry:npm'],
      );
      const settings = `registry=https://registry.test/\n//registry.test/:_authToken=${token}\n`;
      world.workspace.write(join(world.workspace.home, '.npmrc'), settings);
      world.workspace.write('package.json', '{"name":"of-a-test","version":"1.0.0"}');
      const script = 'npm whoami; npm publish --loglevel=error; cat ~/.npmrc; env';
      // a setting of the operator's that is passed, and whose list does not hold the run's authority
      const ended = await world.run(rung, script, { npm_config_cafile: '/etc/ssl/certs/ca-certificates.crt' });
      expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('the-real-me') });
      expect(published).toEqual(['/of-a-test']);
      expect(ended.stdout).toContain('//registry.test/:_authToken=npm_');
      expect(ended.stdout + ended.stderr).not.toContain(token);
    },
  );

  test('a missing credential ends the run before it starts, with all that was looked at and what to do', async () => {
    const workspace = aWorkspace(as);
    const flags = ['--credential', 'anthropic', '--credential', 'github'];
    const ended = await runSbox(['run', ...flags, '--', 'sh', '-c', 'echo ran > ran'], workspace);
    expect(ended.code).toBe(125);
    expect(ended.stderr).toContain('cannot find every credential  [SBOX_E_CREDENTIAL]');
    for (const looked of [
      'the variable ANTHROPIC_API_KEY: not set',
      '"~/.claude/.credentials.json": ',
      'the variable GH_TOKEN: not set',
      'the command "gh auth token --hostname github.com":',
      'export ANTHROPIC_API_KEY=',
      'gh auth login',
    ])
      expect(ended.stderr).toContain(looked);
    expect((await runSbox(['run', '-q', '--', 'ls'], workspace)).stdout).toBe('');
  });

  test('a credential that can’t be kept outside is refused, and one that nothing leads to is left out', async () => {
    const workspace = { ...aWorkspace(as), env: { ANTHROPIC_API_KEY: secret } };
    const run = (...flags: string[]) =>
      runSbox(
        ['run', '-q', '--credential', 'anthropic', ...flags, '--', 'sh', '-c', 'echo "key=$ANTHROPIC_API_KEY"'],
        workspace,
      );
    const full = await run('--net', 'full');
    expect(full).toMatchObject({ code: 2, stdout: '' });
    expect(full.stderr).toContain('cannot keep "anthropic" outside  [SBOX_E_CREDENTIAL]');
    expect(full.stderr).toContain('--net limited');
    const portable = await run('--rung', 'portable');
    expect(portable).toMatchObject({ code: 2, stdout: '' });
    expect(portable.stderr).toContain("the portable rung can't lead connections to sbox's proxy");
    for (const mode of ['none', 'host-only'])
      expect(await run('--net', mode)).toMatchObject({ code: 0, stdout: 'key=\n' });
    expect(await run('--credential', 'antropic')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"antropic"'),
    });
  });

  test('what is wrong with a declared credential is told with its place', async () => {
    const workspace = aWorkspace(as);
    const text =
      '{\n  "credentials": [\n    "anthropic",\n    "antropic",\n    { "name": "mine", "env": "KEY" }\n  ]\n}\n';
    const path = workspace.write(join(workspace.base, 'wrong.json'), text);
    const ended = await runSbox(['validate', path], workspace);
    expect(ended.code).not.toBe(0);
    expect(ended.stdout + ended.stderr).toContain('wrong.json:4:5');
    expect(ended.stdout + ended.stderr).toContain('wrong.json:5:5');
    expect(ended.stdout + ended.stderr).toContain('lacks "sources", "hosts"');
  });

  test.each([
    ['nothing', '{}'],
    ['another form', '{"claudeAiOauth":{"accessToken":7}}'],
    ['garbage', 'no JSON'],
  ])('a login that holds %s is none', async (_, text) => {
    const workspace = aWorkspace(as);
    workspace.write(join(workspace.home, '.claude/.credentials.json'), text, 0o600);
    const ended = await runSbox(['run', '--credential', 'anthropic', '--', 'true'], workspace);
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('.credentials.json": holds none') });
    const listed = await runSbox(['credentials', '--json'], workspace);
    const rows = JSON.parse(listed.stdout) as { name: string; found: boolean }[];
    expect(rows.find(({ name }) => name === 'anthropic')?.found).toBe(false);
  });

  test('sbox credentials looks for those of a document and a profile, too', async () => {
    const workspace = { ...aWorkspace(as), env: { MINE: secret } };
    const credential = { name: 'mine', sources: [{ env: 'MINE' }], env: 'KEY', hosts: ['api.test'] };
    const config = aDocument(workspace, { credentials: [credential, { name: 'github', sources: [{ env: 'MINE' }] }] });
    workspace.write(
      join(workspace.configHome, 'sbox/profiles/own.json'),
      JSON.stringify({ credentials: [credential] }),
    );
    const found = async (...flags: string[]) => {
      const { stdout } = await runSbox(['credentials', '--json', ...flags], workspace);
      const rows = JSON.parse(stdout) as { name: string; found: boolean; where: string }[];
      return rows.filter((row) => row.found).map(({ name, where }) => `${name}: ${where}`);
    };
    expect(await found()).toEqual([]);
    expect(await found('-c', config)).toEqual(['github: the variable MINE', 'mine: the variable MINE']);
    expect(await found('-p', 'own')).toEqual(['mine: the variable MINE']);
  });

  test('sbox credentials tells which are found and where, and no value', async () => {
    const workspace = { ...aWorkspace(as), env: { ANTHROPIC_API_KEY: secret } };
    workspace.write(join(workspace.home, '.cache/huggingface/token'), `hf_${secret}`);
    const listed = await runSbox(['credentials', '--json'], workspace);
    expect(listed, listed.stderr).toMatchObject({ code: 0 });
    const rows = JSON.parse(listed.stdout) as { name: string; found: boolean; where: string }[];
    const found = rows.filter((row) => row.found).map(({ name, where }) => [name, where]);
    expect(found).toEqual([
      ['anthropic', 'the variable ANTHROPIC_API_KEY'],
      ['huggingface', '"~/.cache/huggingface/token"'],
    ]);
    const table = await runSbox(['credentials'], workspace);
    expect(table.stdout).toContain('openai');
    expect(listed.stdout + table.stdout).not.toContain(secret);
  });
});

const javaClient = `import java.net.*;
class Ask {
  public static void main(String[] args) throws Exception {
    URLConnection connection = new URL("https://api.test/").openConnection();
    connection.setRequestProperty("Authorization", "Bearer " + System.getenv("KEY"));
    connection.getInputStream().transferTo(System.out);
  }
}
`;

const json = (response: ServerResponse, status: number, value: unknown): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
