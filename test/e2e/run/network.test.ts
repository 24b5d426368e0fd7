import { describe, expect, test } from 'vitest';
import { aClosedPort, aGreeter, aServer } from '../../support/loopback.ts';
import { file, type Need, needs, program } from '../../support/needs.ts';
import { kernelRungs } from '../../support/reach.ts';
import { aWorkspace, eachUser, runOutside, runSbox, startSbox, type User } from '../../support/sbox.ts';
import { openSites } from '../../support/sites.ts';

const variables = ['http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
const withoutProxy = `unset ${variables.join(' ')} NODE_USE_ENV_PROXY no_proxy NO_PROXY;`;

/** A user's world with sites, and how to run a script that may reach some of them. */
const aWorld = async (as: User, rung: string) => {
  const workspace = aWorkspace(as);
  const sites = await openSites(workspace);
  const trust = [
    'SSL_CERT_FILE',
    'CURL_CA_BUNDLE',
    'REQUESTS_CA_BUNDLE',
    'NODE_EXTRA_CA_CERTS',
    'GIT_SSL_CAINFO',
    'WGET_CA',
  ];
  const flags = [
    '--rung',
    rung,
    '-p',
    sites.profile,
    '-m',
    sites.ca,
    ...trust.flatMap((name) => ['-e', `${name}=${sites.ca}`]),
  ];
  const run = (script: string, allowed: readonly string[] = [], more: readonly string[] = []) =>
    runSbox(
      ['run', ...flags, ...allowed.flatMap((name) => ['--allow', name]), ...more, '--', 'sh', '-c', script],
      workspace,
    );
  return { workspace, sites, run };
};

interface Client {
  readonly name: string;
  readonly needs: readonly Need[];
  /** prints the body of a URL */
  readonly get: (url: string) => string;
  /** what it needs in the workspace */
  readonly files?: Readonly<Record<string, string>>;
}

const python = '/usr/bin/python3';
const clients: readonly Client[] = [
  { name: 'curl', needs: [program('curl')], get: (url) => `curl -sS ${url}` },
  { name: 'wget', needs: [program('wget')], get: (url) => `wget -q --ca-certificate="$WGET_CA" -O - ${url}` },
  {
    name: 'Python',
    needs: [file(python, 'python3')],
    get: (url) => `${python} -c 'import urllib.request as r; print(r.urlopen("${url}").read().decode(),end="")'`,
  },
  {
    name: 'requests of Python',
    needs: [file('/usr/lib/python3/dist-packages/requests/api.py', 'python3-requests')],
    get: (url) => `${python} -c 'import requests; print(requests.get("${url}").text, end="")'`,
  },
  {
    name: 'aiohttp of Python',
    needs: [file('/usr/lib/python3/dist-packages/aiohttp/client.py', 'python3-aiohttp')],
    get: (url) => `${python} get.py ${url}`,
    files: {
      'get.py': `import aiohttp, asyncio, sys
async def get():
    async with aiohttp.ClientSession(trust_env=True) as session, session.get(sys.argv[1]) as answer:
        print(await answer.text(), end="")
asyncio.run(get())
`,
    },
  },
  {
    name: 'fetch of Node',
    needs: [],
    get: (url) => `node -e 'fetch("${url}").then((a) => a.text()).then((t) => process.stdout.write(t))'`,
  },
  {
    name: 'http of Node',
    needs: [],
    get: (url) => `node -e 'require("${url.split(':')[0]}").get("${url}", (a) => a.pipe(process.stdout))'`,
  },
];

const ways = [
  ['with the variables of the proxy', ''],
  ['without them', withoutProxy],
] as const;

eachUser((as) => {
  describe.each(kernelRungs)('on %s', (rung) => {
    for (const client of clients)
      needs(...client.needs).for(ways)(`${client.name} reaches declared hosts, %s`, async ([, before]) => {
        const { workspace, sites, run } = await aWorld(as, rung);
        for (const [name, content] of Object.entries(client.files ?? {})) workspace.write(name, content);
        const script = `${before} ${client.get('http://plain.test/a')}; ${client.get('https://tls.test/b')}`;
        const ended = await run(script, ['plain.test', 'tls.test']);
        expect(ended.stdout, ended.stderr).toBe('plain.test says hello\ntls.test says hello\n');
        expect(sites.requests).toEqual(['plain.test: GET plain.test /a', 'tls.test: GET tls.test /b']);
        expect(ended.stderr).not.toMatch('/etc/');
        expect(ended.code).toBe(0);
      });

    needs(program('git')).for(ways)('git clones over HTTP and TLS, %s', async ([, before]) => {
      const { run } = await aWorld(as, rung);
      const clone = (scheme: string, host: string) => `git clone -q ${scheme}://${host}/repo.git from-${host}`;
      const script = `${before} ${clone('http', 'plain.test')} && ${clone('https', 'tls.test')} && git -C from-tls.test log --format=%s`;
      const ended = await run(script, ['plain.test', 'tls.test']);
      expect(ended.stdout, ended.stderr).toBe('the only one\n');
    });

    needs(program('java', 'default-jdk'), program('javac', 'default-jdk')).for(ways)(
      'a program of Java reaches a declared host, %s',
      async ([, before]) => {
        const { workspace, run } = await aWorld(as, rung);
        workspace.write(
          'Get.java',
          `public class Get { public static void main(String[] a) throws Exception {
  System.out.print(new String(new java.net.URL(a[0]).openStream().readAllBytes())); } }`,
        );
        const ended = await run(`${before} java Get.java http://plain.test/`, ['plain.test']);
        expect(ended.stdout, ended.stderr).toBe('plain.test says hello\n');
      },
    );

    test('what is refused says why and how to allow it: to the client, at the end, and in the log', async () => {
      const { workspace, sites, run } = await aWorld(as, rung);
      const ended = await run('curl -sSi http://other.test/', ['plain.test']);
      expect(ended.stdout).toMatch(/^HTTP\/1.1 403 /);
      expect(ended.stdout).toMatch(/^x-sbox-decision: deny; reason=not-allowed\r$/m);
      expect(ended.stdout).toMatch(/other\.test:80 is not allowed.*--allow other\.test/);
      expect(ended.stderr).toMatch(/^sbox: note: refused other\.test:80 \(not allowed\): --allow other\.test$/m);
      const log = await runSbox(['log', '--denied'], workspace);
      expect(log.stdout).toMatch('other.test:80');
      expect((await runSbox(['log', '--json'], workspace)).stdout).toMatch('"reason":"not-allowed"');
      expect(sites.connections()).toBe(0);

      const allowed = await run('curl -sS http://other.test/', ['other.test']);
      expect(allowed.stdout).toBe('other.test says hello\n');
    });

    test.each(ways)("why an operator's own proxy did not serve is told at the end, %s", async (_, before) => {
      const dead = `http://127.0.0.1:${await aClosedPort()}`;
      const messages = {
        [dead]: `the proxy ${dead}: 127.0.0.1: ECONNREFUSED`,
        'socks5://127.0.0.1:1':
          'ALL_PROXY names no proxy that sbox can use (socks5): write http://host:port or https://host:port, or unset it',
      };
      const script = `${before} for n in 1 2; do curl -sS https://web.test/; done; curl -sS http://plain.test/`;
      for (const [ALL_PROXY, message] of Object.entries(messages)) {
        const options = { ...aWorkspace(as), env: { ALL_PROXY } };
        const flags = ['--rung', rung, '--allow', 'web.test', '--allow', 'plain.test'];
        const ended = await runSbox(['run', ...flags, '--', 'sh', '-c', script], options);
        expect(ended.stderr.split('\n').filter((line) => line.startsWith('sbox: note'))).toEqual([
          `sbox: note: could not reach web.test:443 and 1 more: ${message}`,
        ]);
      }
    });

    test('an empty list reaches nothing: names do not exist, and the proxy refuses', async () => {
      const { sites, run } = await aWorld(as, rung);
      const script = `for u in http://plain.test/ https://tls.test/ http://127.0.0.1:1/; do curl -sS -o /dev/null -w '%{http_code} %{http_connect}\\n' $u; done
${withoutProxy} for u in http://plain.test/ https://tls.test/; do curl -sS $u; echo $?; done; getent hosts plain.test || echo none`;
      const ended = await run(script, [], ['-q']);
      expect(ended.stdout).toBe('403 000\n000 403\n000 000\n6\n6\nnone\n');
      expect(sites.connections()).toBe(0);
    });

    test('a rule that denies wins over one that allows', async () => {
      const { sites, run } = await aWorld(as, rung);
      const script = `curl -sS -o /dev/null -w '%{http_code}\\n' http://plain.test/; ${withoutProxy} curl -sS http://plain.test/; echo $?`;
      const ended = await run(script, ['plain.test'], ['--deny', 'plain.test', '-q']);
      expect(ended.stdout).toMatch(/^403\n/);
      expect(ended.stdout).not.toMatch('says hello');
      expect(sites.connections()).toBe(0);
    });

    test.each(ways)('a redirect to a host that is not declared is refused, %s', async (_, before) => {
      const { sites, run } = await aWorld(as, rung);
      const ended = await run(`${before} curl -sSL http://plain.test/elsewhere`, ['plain.test']);
      expect(ended.stdout + ended.stderr).not.toMatch('says hello');
      expect(sites.requests).toEqual(['plain.test: GET plain.test /elsewhere']);
      const followed = await run(`${before} curl -sSL http://plain.test/elsewhere`, ['plain.test', 'other.test']);
      expect(followed.stdout).toBe('other.test says hello\n');
    });

    test.each(ways)('what asks for another name within an allowed connection is refused, %s', async (_, before) => {
      const { sites, run } = await aWorld(as, rung);
      const host = `${before} curl -sS -H 'Host: other.test' http://plain.test/`;
      const tls = `${before} curl -sS -k --connect-to other.test:443:tls.test:443 https://other.test/`;
      const ended = await run(`${host}; ${tls}`, ['plain.test', 'tls.test']);
      expect(ended.stdout).not.toMatch('says hello');
      expect(sites.requests.filter((request) => request.includes('other.test'))).toEqual([]);
      const control = await run(tls, ['tls.test', 'other.test'], ['-q']);
      expect(control.stdout).toBe('');
    });

    test('a server that speaks first is heard', async () => {
      const { run } = await aWorld(as, rung);
      const script = `${python} -c 'import socket; print(socket.create_connection(("raw.test",7000)).recv(9))'`;
      expect((await run(script, ['raw.test:7000'], ['-q'])).stdout).toBe("b'hello'\n");
    });

    test('names are answered over TCP too, at the address of resolv.conf as at any other', async () => {
      const { run } = await aWorld(as, rung);
      const script = `import socket, struct
query = struct.pack(">6H", 7, 256, 1, 0, 0, 0) + bytes([5]) + b"plain" + bytes([4]) + b"test" + struct.pack(">BHH", 0, 1, 1)
for server in ("127.0.0.53", "127.0.0.11", "192.0.2.1"):
  s = socket.create_connection((server, 53))
  s.sendall(struct.pack(">H", len(query)) + query)
  print(s.recv(99)[-4:-2].hex())`;
      const ended = await run(`${python} -c '${script}'`, ['plain.test'], ['-q']);
      expect(ended.stdout, ended.stderr).toBe('c612\n'.repeat(3)); // 198.18.0.0/15
    });

    test('a listed port of the host is reached by its name and its address, an unlisted one is not', async () => {
      const { run } = await aWorld(as, rung);
      const [listed, other] = [(await aGreeter('hello')).port, (await aGreeter('hello')).port];
      const script = `import socket
for host in ("localhost","127.0.0.1"):
  for port in (${listed},${other}):
    try: print(socket.create_connection((host,port)).recv(9))
    except OSError as error: print(type(error).__name__)`;
      const ended = await run(`${python} -c '${script}'`, [`localhost:${listed}`], ['-q']);
      expect(ended.stdout).toBe("b'hello'\nConnectionRefusedError\n".repeat(2));
    });

    test('the end of a run gives no advice on a port of a server inside, which was asked for before it was up', async () => {
      const { run } = await aWorld(as, rung);
      const ports = [await aClosedPort(), await aClosedPort()];
      const script = `import socket
def ask(family, host, port):
  try: print(len(socket.socket(family).connect((host,port)) or ""))
  except OSError as error: print(type(error).__name__)
for port in (${ports}): ask(socket.AF_INET, "127.0.0.1", port)
server = socket.create_server(("127.0.0.1", ${ports[0]}))
ask(socket.AF_INET6, "::1", ${ports[0]})
ask(socket.AF_INET, "127.0.0.1", ${ports[0]})`;
      const ended = await run(`${python} -c '${script}'`);
      expect(ended.stdout, ended.stderr).toBe(`${'ConnectionRefusedError\n'.repeat(3)}0\n`);
      expect(ended.stderr.split('\n').filter((line) => line.includes('refused'))).toEqual([
        `sbox: note: refused 127.0.0.1:${ports[1]} (an address that is not allowed): --allow localhost:${ports[1]}`,
      ]);
    });

    test('a listed port of the host refuses connect(2) while nobody listens there', async () => {
      const port = await aClosedPort();
      const script = `import socket
def ask(host):
  try: return socket.create_connection((host,${port})).recv(9)
  except OSError as error: return type(error).__name__
def ask_all(): print(*[ask(host) for host in ("localhost","127.0.0.1","::1")], flush=True)
ask_all()
input()
ask_all()`;
      const flags = ['--rung', rung, '--allow', `localhost:${port}`];
      const started = startSbox(['run', ...flags, '--', python, '-c', script], { ...aWorkspace(as), stdin: 'pipe' });
      await started.says('ConnectionRefusedError ConnectionRefusedError ConnectionRefusedError\n');
      await aGreeter('hello', { port });
      started.child.stdin?.end('\n');
      const ended = await started.ended;
      expect(ended.stdout).toMatch(/\nb'hello' b'hello' b'hello'\n$/);
      expect(ended.stderr).not.toMatch('note:');
    });

    test('--net host-only reaches this machine, and no name', async () => {
      const { sites, run } = await aWorld(as, rung);
      const { port } = await aGreeter('hello');
      const script = `${python} -c 'import socket; print(socket.create_connection(("127.0.0.1",${port})).recv(9))'
curl -sS -o /dev/null -w '%{http_code}\\n' http://plain.test/; getent hosts plain.test || echo none`;
      const ended = await run(script, [], ['-q', '--net', 'host-only']);
      expect(ended.stdout).toBe("b'hello'\n403\nnone\n");
      expect(sites.connections()).toBe(0);
    });
  });

  // on landlock ssh asks the host who it is, and a test's user has no name there
  needs(program('ssh', 'openssh-client'), program('git'))('git over ssh reaches a declared host', async () => {
    const workspace = aWorkspace(as);
    let heard = '';
    const { port } = await aServer((socket) => {
      socket.write('SSH-2.0-standin\r\n');
      socket.on('data', (bytes) => {
        heard += bytes.toString('latin1');
        if (heard.includes('\n')) socket.destroy();
      });
    });
    const network = { allow: ['git.test:22'], hosts: { 'git.test': `127.0.0.1:${port}` } };
    workspace.write('ssh.json', JSON.stringify({ network }));
    const flags = ['-q', '--rung', 'namespaces', '-c', 'ssh.json', '-e', 'GIT_SSH_COMMAND=ssh -v'];
    const ended = await runSbox(['run', ...flags, '--', 'git', 'ls-remote', 'git@git.test:a/b.git'], workspace);
    expect(ended.stderr).toMatch('remote software version standin');
    expect(heard).toMatch(/^SSH-2\.0-/);
  });

  needs(program('curl'))(
    'on portable a client that heeds the variables of the proxy reaches declared hosts alone',
    async () => {
      const { sites, run } = await aWorld(as, 'portable');
      const script = 'curl -sS http://plain.test/a; curl -sS -o /dev/null -w "%{http_code}" http://other.test/';
      const ended = await run(script, ['plain.test'], ['-q']);
      expect(ended.stdout, ended.stderr).toBe('plain.test says hello\n403');
      expect(sites.requests).toEqual(['plain.test: GET plain.test /a']);
    },
  );

  test('the same names lead nowhere without sbox', async () => {
    const ended = await runOutside(['curl', '-sS', 'http://plain.test/'], aWorkspace(as));
    expect(ended.code).not.toBe(0);
  });
});
