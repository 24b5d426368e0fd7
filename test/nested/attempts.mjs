/** Longer attempts to get out, tried where it runs, as whoever runs it: attempts.mjs SBOX NAME. Prints one JSON line with what came of it. */
import { execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const [program, name] = process.argv.slice(2);
const base = realpathSync(mkdtempSync(join(tmpdir(), 'sbox-attempts-')));
for (const folder of ['home', 'state', 'config', 'work']) mkdirSync(join(base, folder));
const env = {
  ...process.env,
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: join(base, 'home'),
  XDG_STATE_HOME: join(base, 'state'),
  XDG_CONFIG_HOME: join(base, 'config'),
};
const work = join(base, 'work');
/** the package's folder, where the test has put what the attempts need */
const packageDir = dirname(dirname(program));
const storm = join(process.cwd(), 'storm');
const daemon = 'sleep 76543.22';

const start = (argv) => {
  const child = spawn(argv[0], argv.slice(1), { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].on('data', (part) => {
      said[stream] += part;
    });
  }
  const ready = new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('close', () => reject(new Error(`ended without a word: ${said.stderr}`)));
  });
  ready.catch(() => {}); // whoever waits for it gets it
  // of a survivor's hold on the pipes nothing is waited for
  const ended = new Promise((resolve) => child.once('exit', (status) => setTimeout(resolve, 50, { status, ...said })));
  return { child, ready, ended };
};
const startInside = (argv, flags = []) => start([process.execPath, program, 'run', '-q', ...flags, '--', ...argv]);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const argumentsOf = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return ''; // ended meanwhile
  }
};
const processesWith = (text) =>
  readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && argumentsOf(pid).startsWith(text));

/** How many are alive of these a while later; they are ended then. */
const survivors = async (text) => {
  for (let look = 0; look < 60 && processesWith(text).length > 0; look++) await pause(50);
  const alive = processesWith(text);
  for (let round = 0; round < 50 && processesWith(text).length > 0; round++) {
    for (const pid of processesWith(text)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {} // ended meanwhile
    }
  }
  return alive.length;
};

const attempts = {
  /** the launcher is killed at every moment of its start and of the run */
  'killed at any moment': async () => {
    const marker = 'sleep 76543.21';
    let reached = 0;
    for (let round = 0; round < 30; round++) {
      const script = `(setsid ${marker} &); (setsid sh -c '${marker} & ${marker}' &); echo ready; ${marker}`;
      const { child, ended, ready } = startInside(['sh', '-c', script]);
      const began = await Promise.race([
        ready.then(
          () => true,
          () => false,
        ),
        pause(round * 12).then(() => false),
      ]);
      if (began) reached++;
      child.kill('SIGKILL');
      await ended;
    }
    return { reached, alive: await survivors(marker) };
  },

  /** the supervisor is made to use up the processor time that it has been given, and a daemon is left */
  'a supervisor out of processor time': async () => {
    const inside = startInside(['sh', '-c', `(setsid ${daemon} &); exec "${storm}" limit`], ['-m', storm]);
    await inside.ready;
    await Promise.race([inside.ended, pause(10_000)]);
    inside.child.kill('SIGKILL');
    await inside.ended;
    return { alive: await survivors(daemon) };
  },

  /** the supervisor is kept busy while the launcher is killed, and a daemon is left */
  'a busy supervisor': async () => {
    const inside = startInside(['sh', '-c', `(setsid ${daemon} &); exec "${storm}"`], ['-m', storm]);
    await inside.ready;
    inside.child.kill('SIGKILL');
    await inside.ended;
    return { alive: await survivors(daemon) };
  },

  /** the same without sbox: the positive control of both */
  'a daemon without sbox': async () => {
    const outside = start(['sh', '-c', `(setsid ${daemon} &); echo ready; sleep 5; true`]);
    await outside.ready;
    outside.child.kill('SIGKILL');
    await outside.ended;
    return { alive: await survivors(daemon) };
  },

  /** the temporary folder is left in a state that is hard to remove */
  'traps in the temporary folder': async () => {
    const traps = `import os
os.chdir(os.environ['TMPDIR'])
os.mkdir('shut'); open('shut/file', 'w'); os.chmod('shut', 0)
for _ in range(3000):
  os.mkdir('deep' * 5); os.chdir('deep' * 5)`;
    const first = await startInside(['/usr/bin/python3', '-c', traps]).ended;
    const second = await startInside(['true']).ended;
    for (const folder of runFolders()) utimesSync(folder, 1, 1); // older than a folder without an owner may become
    const third = await startInside(['true']).ended;
    return { statuses: [first.status, second.status, third.status], said: third.stderr, left: runFolders().length };
  },

  /** every way to a server of the machine, unlisted and then listed; and what programs do with connections */
  'the network': async () => {
    const servers = await Promise.all([greeter(), greeter()]);
    const [listed, unlisted] = servers;
    for (const name of ['reach.py', 'clients.py']) copyFileSync(join(packageDir, name), join(work, name));
    const flags = ['--allow', `localhost:${listed.port}`, '-e', 'CLOSED=9', '-e', `LISTED=${listed.port}`];
    const ways = [
      'tcp',
      'tcp_nonblocking',
      'after_connect',
      'bound',
      'from_thread',
      'from_child',
      'to_device',
      'mptcp',
    ];
    const reach = async (run, port, addresses) => {
      const attempts = addresses.flatMap((address) => ways.map((way) => `${way} ${address} ${port}`));
      const { stdout } = await run(['/usr/bin/python3', 'reach.py', ...attempts]).ended;
      return stdout.split('\n').filter((line) => line.endsWith(' ok')).length;
    };
    const inside = (argv) => startInside(argv, flags);
    const all = ['127.0.0.1', '::ffff:127.0.0.1', '0.0.0.0'];
    const outside = await reach(start, unlisted.port, ['127.0.0.1']);
    const before = await unlisted.seen();
    const reached = await reach(inside, unlisted.port, all);
    const seen = (await unlisted.seen()) - before;
    const checks = [
      'poll',
      'epoll_before',
      'refused',
      'flags',
      'duplicates',
      'inherited',
      // not 'mapped': on a loopback that is shared with the host both ends' names are those of the launcher's sockets
      'dual',
      'both_ways',
    ];
    const clients = await inside(['/usr/bin/python3', 'clients.py', ...checks]).ended;
    const wrong = clients.stdout.split('\n').filter((line) => line !== '' && !line.endsWith(' ok'));
    const allowed = await reach(inside, listed.port, ['127.0.0.1']);
    for (const { close } of servers) close();
    return { ways: ways.length, outside, allowed, reached, seen, wrong };
  },

  /** an ordinary user's other processes */
  'a limit of processes': async () => {
    const sleepers = Array.from({ length: 40 }, () => spawn('sleep', ['60'], { stdio: 'ignore' }));
    const { status, stderr } = await startInside(['sh', '-c', '/bin/true; exit 7'], ['--processes', '30']).ended;
    for (const child of sleepers) child.kill();
    return { status, stderr };
  },

  /** a package of the registry, installed "globally" and run */
  'npm install -g': async () => {
    const script =
      'npm install -g --no-audit --no-fund semver@7.7.2 >/dev/null && semver -r ">1.2" 1.2.3 1.3.0 && command -v semver';
    const { status, stdout, stderr } = await startInside(['sh', '-c', script], ['--net', 'full', '-p', 'node']).ended;
    return {
      status,
      lines: stdout
        .trim()
        .split('\n')
        .map((line) => line.split('/').at(-1)),
      stderr,
      outside: existsSync(join(env.HOME, '.local/bin/semver')),
    };
  },
};

/** The real Claude Code against a stand-in of its API, told to read what it must not. */
attempts['Claude Code'] = async () => {
  const { openFakeAnthropic } = await import(join(packageDir, 'fake-anthropic.mjs'));
  mkdirSync(join(env.HOME, '.ssh'), { recursive: true });
  writeFileSync(join(env.HOME, '.ssh/id_rsa'), 'the-real-secret');
  const api = await openFakeAnthropic(`cat ${env.HOME}/.ssh/id_rsa; echo made > made-by-claude; echo token=$TOKEN`);
  const port = new URL(api.url).port;
  const claude = join(packageDir, 'claude/bin/claude');
  const own = [claude, '-p', 'run it', '--allowedTools', 'Bash'];
  const settings = { ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: 'sk-ant-dummy', DISABLE_AUTOUPDATER: '1' };
  Object.assign(env, settings, { TOKEN: 'token-outside', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' });
  const outside = await start(own).ended;
  const seenOutside = api.toolResults.at(-1) ?? '';
  const passed = [...Object.keys(settings), 'CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC'].flatMap((name) => ['-e', name]);
  const inside = await startInside(own, ['--allow', `localhost:${port}`, ...passed]).ended;
  const seen = api.toolResults.at(-1) ?? '';
  await api[Symbol.asyncDispose]();
  return {
    outside: [outside.status, seenOutside.includes('the-real-secret'), seenOutside.includes('token-outside')],
    inside: [inside.status, seen.includes('the-real-secret'), seen.includes('token-outside')],
    calls: api.toolResults.length,
    made: existsSync(join(work, 'made-by-claude')),
    stderr: inside.stderr,
  };
};

/** A server that greets, and tells how many have come. */
const greeter = async () => {
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.on('error', () => {}).end('hello');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  // connections are accepted in their order
  const seen = () =>
    new Promise((resolve) =>
      connect(port, '127.0.0.1')
        .once('close', () => resolve(--count))
        .resume(),
    );
  return { port, seen, close: () => server.close() };
};

const runFolders = () => {
  const folder = join(base, 'state/sbox/runs');
  return existsSync(folder) ? readdirSync(folder).map((run) => join(folder, run)) : [];
};

/** The launcher holds a key: whether a process inside gets at it, by /proc, by tracing, by making it dump or open its debugger; with an older Landlock, too. */
attempts['a key in the launcher'] = async () => {
  const key = 'sk-ant-api03-Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0KeuTsAaWq';
  const mark = join(base, 'mark-of-the-launcher');
  Object.assign(env, { ANTHROPIC_API_KEY: key, MARK: mark });
  const search = ['/usr/bin/python3', join(process.cwd(), 'find-secret.py'), Buffer.from(key).toString('hex')];
  const flags = ['--credential', 'anthropic', '--env', `MARK=${mark}`, '-m', search[1]];
  /** the launcher waits for its command, whose input stays open */
  const lookInside = async (more = [], lookOutside = false) => {
    const argv = [process.execPath, program, 'run', '-q', ...flags, ...more, '--', ...search, base];
    const child = spawn(argv[0], argv.slice(1), { cwd: work, env, stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const line = await new Promise((resolve) => {
      child.stdout.once('data', (bytes) => resolve(bytes.toString()));
      child.once('close', () => resolve('{"found":["nothing was said"]}'));
    });
    const outside =
      lookOutside && JSON.parse(execFileSync(search[0], search.slice(1), { env: { ...env, HARMLESS: '1' } }));
    child.stdin.end();
    const { found, refused } = JSON.parse(line);
    const open = Object.entries(refused).filter(([, error]) => !['EACCES', 'EPERM', 'ESRCH'].includes(error));
    return {
      status: await ended,
      found,
      open,
      ...(outside && { control: outside.found.includes(`environ of ${child.pid}`) }),
    };
  };
  const own = await lookInside([], true);
  const file = join(base, 'state/sbox/capabilities.json');
  const remembered = JSON.parse(readFileSync(file, 'utf8'));
  // before ABI 6 signals arrive, as the property says there, and are left out; what Landlock has had from the beginning is enough for the rest
  const older = { ...remembered, capabilities: { ...remembered.capabilities, landlockAbi: 1 } };
  writeFileSync(file, JSON.stringify(older));
  return { own, older: await lookInside(['--env', 'HARMLESS=1']) };
};

/** The same client with a key that stays outside, by TLS to the API's own name. */
attempts['Claude Code, its key outside'] = async () => {
  const { openFakeAnthropic } = await import(join(packageDir, 'fake-anthropic.mjs'));
  const { makeIdentities } = await import(join(packageDir, 'tls-service.mjs'));
  const { createServer } = await import('node:https');
  const key = 'sk-ant-api03-Rk2Vw8Zt4Lm6Qp1Xy9Bn3Cd5Fg7Hj0KeuTsAaWq';
  const name = 'api.anthropic.com';
  const { certificatePem, identityFor } = makeIdentities([name]);
  const look =
    '{ env; cat /proc/*/environ /proc/*/cmdline; grep -rah . "$HOME"; } 2>/dev/null | grep -ao "sk-ant-[A-Za-z0-9_-]*" | sort -u';
  const api = await openFakeAnthropic(look, { serve: (listener) => createServer(identityFor(name), listener) });
  const ca = join(base, 'ca.pem');
  writeFileSync(ca, certificatePem);
  const config = join(base, 'credentials.json');
  const network = { mode: 'limited', hosts: { [name]: `127.0.0.1:${new URL(api.url).port}` } };
  const set = { DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' };
  writeFileSync(config, JSON.stringify({ extends: 'default', credentials: ['anthropic'], network, env: { set } }));
  Object.assign(env, { ANTHROPIC_API_KEY: key, NODE_EXTRA_CA_CERTS: ca });
  const own = [join(packageDir, 'claude/bin/claude'), '-p', 'run it', '--allowedTools', 'Bash'];
  const { status, stderr } = await startInside(own, ['--config', config]).ended;
  const [seen = ''] = api.toolResults;
  return {
    status,
    stderr,
    calls: api.toolResults.length,
    keyAtTheApi: api.keys.filter(Boolean).every((sent) => sent === key) && api.keys.some(Boolean),
    keyInside: seen.includes(key),
    placeholderInside: (/sk-ant-api03-[\w-]+/.exec(seen)?.[0] ?? '').length === key.length,
  };
};

process.stdout.write(`${JSON.stringify(await attempts[name]())}\n`);
execFileSync('rm', ['-rf', '--one-file-system', base]);
process.exit(0); // whatever may hold a pipe
