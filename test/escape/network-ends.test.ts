import type { Socket } from 'node:net';
import { describe, expect } from 'vitest';
import { aServer } from '../support/loopback.ts';
import { file, needs, root } from '../support/needs.ts';
import { builtPackage } from '../support/package-copy.ts';
import { processesWith, uniqueDuration, until } from '../support/processes.ts';
import { aCountingGreeter, kernelRungs } from '../support/reach.ts';
import { aWorkspace, eachUser, startSbox } from '../support/sbox.ts';
import { findSplicer, findSupervisors, processesFrom } from '../support/supervisors.ts';

const python = '/usr/bin/python3';
const test = needs(file(python, 'python3'));
const asRoot = needs(file(python, 'python3'), root);

/** Connects from so many threads without an end; says "ready" once a connection to each has been made or refused. */
const load = (allowed: number, forbidden: number, marker: string) => `import os,socket,sys,threading
def run(port):
  while True:
    try:
      with socket.create_connection(("127.0.0.1",port)) as s: s.recv(5)
    except OSError: pass
for port in (${allowed},${forbidden})*8: threading.Thread(target=run,args=(port,),daemon=True).start()
for port in (${allowed},${forbidden}):
  try: socket.create_connection(("127.0.0.1",port)).close()
  except OSError: pass
if os.fork()==0:
  os.setsid(); os.execvp("sleep",["sleep","${marker}"])
print("ready",flush=True); sys.stdin.read()`;

/** For each line of input tries to connect, and says what became of it. */
const onDemand = (port: number) => `import errno,socket,sys
own=socket.socket(); own.bind(("127.0.0.1",0)); own.listen(64)
print("ready",flush=True)
for line in sys.stdin:
  port=${port} if line.strip()=="outside" else own.getsockname()[1]
  s=socket.socket(); s.settimeout(None)
  code=s.connect_ex(("127.0.0.1",port))
  if code==0 and line.strip()=="outside": code=0 if s.recv(5)==b"hello" else errno.ECONNRESET
  print("outcome",line.strip(),errno.errorcode.get(code,code),flush=True)
print("end",flush=True)
sys.exit(3)`;

eachUser((as) => {
  describe.each(kernelRungs)('on %s', (rung) => {
    test('when the launcher is killed under load, nothing lives and nothing connects any more', async () => {
      const workspace = aWorkspace(as);
      const [allowed, forbidden] = [await aCountingGreeter(), await aCountingGreeter()];
      const marker = uniqueDuration();
      const flags = ['--rung', rung, '--allow', `localhost:${allowed.port}`];
      const script = load(allowed.port, forbidden.port, marker);
      const run = startSbox(['run', '-q', ...flags, '--', python, '-c', script], { ...workspace, stdin: 'pipe' });
      await run.says('ready');
      expect(processesWith(marker).length).toBeGreaterThan(0);
      expect(processesFrom(builtPackage()).length).toBeGreaterThan(0);
      run.child.kill('SIGKILL');
      await until('nothing of the run is left', () => processesWith(marker).length === 0);
      await until('no supervisor and no broker is left', () => processesFrom(builtPackage()).length === 0);
      const after = await allowed.seen();
      expect(after).toBeGreaterThan(0);
      expect(await allowed.seen()).toBe(after);
      expect(await forbidden.seen()).toBe(0);
    });

    test('when it is killed, a tunnel that goes past it is cut as well', async () => {
      const sockets: Socket[] = [];
      const { port } = await aServer(
        (socket) => void sockets.push(socket.setNoDelay(true).on('data', (bytes) => void socket.write(bytes))),
      );
      const script = `import socket
s=socket.create_connection(("127.0.0.1",${port})); n=0
while s.send(b"*hello\\n") and s.recv(9):
  n+=1
  if n==500: print("ready",flush=True)`;
      const flags = ['--rung', rung, '--allow', `localhost:${port}`];
      const run = startSbox(['run', '-q', ...flags, '--', python, '-c', script], aWorkspace(as));
      await run.says('ready');
      const splicer = findSplicer(run.pid);
      expect(splicer).toBeDefined();
      const heard = sockets[0]?.bytesRead ?? 0;
      await until('it is busy', () => (sockets[0]?.bytesRead ?? 0) > heard);
      run.child.kill('SIGKILL');
      await until('the server sees the end', () => sockets[0]?.destroyed === true);
      await until('no process of sbox is left', () => processesFrom(builtPackage()).length === 0);
    });

    test('a caller that is stopped, or waits for ever, or has no memory keeps nobody waiting', async () => {
      const workspace = aWorkspace(as);
      const allowed = await aCountingGreeter();
      const script = `import ctypes,os,signal,socket,sys,time,threading
full=socket.socket(socket.AF_UNIX); full.bind("full"); full.listen(0)
def connect(): socket.socket(socket.AF_UNIX).connect("full")
for _ in range(40): threading.Thread(target=connect,daemon=True).start()
stopped=[]
for _ in range(10):
  pid=os.fork()
  if pid==0:
    while True:
      s=socket.socket(); s.connect_ex(("127.0.0.1",${allowed.port})); s.close()
  stopped.append(pid)
libc=ctypes.CDLL(None,use_errno=True)
for turn in range(20):
  for pid in stopped: os.kill(pid,(signal.SIGSTOP,signal.SIGCONT)[turn%2])
  s=socket.socket()
  assert libc.connect(s.fileno(),ctypes.c_void_p(8),16)==-1 and ctypes.get_errno()==14, ctypes.get_errno()
  with socket.create_connection(("127.0.0.1",${allowed.port})) as c: assert c.recv(5)==b"hello"
for pid in stopped: os.kill(pid,signal.SIGSTOP)
for turn in range(10):
  with socket.create_connection(("127.0.0.1",${allowed.port})) as c: assert c.recv(5)==b"hello"
print("all",flush=True)
os._exit(7)`;
      const flags = ['--rung', rung, '--allow', `localhost:${allowed.port}`];
      const run = startSbox(['run', '-q', ...flags, '--', python, '-c', script], workspace);
      expect(await run.ended).toMatchObject({ stdout: 'all\n', code: 7 });
      expect(await allowed.seen()).toBeGreaterThanOrEqual(30);
    });

    asRoot('without the broker outside every connection fails at once, and the run ends as it would', async () => {
      const allowed = await aCountingGreeter();
      const flags = ['--rung', rung, '--allow', `localhost:${allowed.port}`];
      const argv = ['run', '-q', ...flags, '--', python, '-c', onDemand(allowed.port)];
      const run = startSbox(argv, { ...aWorkspace(as), stdin: 'pipe' });
      await run.says('ready');
      run.child.stdin?.write('outside\ninside\n');
      await run.says('outcome inside 0');
      expect(run.stdout()).toMatch('outcome outside 0');
      const before = await allowed.seen();
      const { brokerOutside } = findSupervisors(run.pid);
      process.kill(brokerOutside, 'SIGKILL');
      run.child.stdin?.end('outside\ninside\noutside\n');
      const ended = await run.ended;
      expect(ended).toMatchObject({ code: 3 });
      const later = ended.stdout.split('\n').slice(3);
      expect(later).toHaveLength(5);
      expect(later.slice(0, 3)).toEqual(later.slice(0, 3).filter((line) => !line.endsWith(' 0')));
      expect(await allowed.seen()).toBe(before);
    });

    asRoot('without the broker inside nothing connects there, and the run ends as it would', async () => {
      const forbidden = await aCountingGreeter();
      const argv = ['run', '-q', '--rung', rung, '--', python, '-c', onDemand(forbidden.port)];
      const run = startSbox(argv, { ...aWorkspace(as), stdin: 'pipe' });
      await run.says('ready');
      const { brokerInside } = findSupervisors(run.pid);
      expect(brokerInside).toBeDefined();
      process.kill(brokerInside ?? 0, 'SIGKILL');
      run.child.stdin?.end('inside\noutside\n');
      const ended = await run.ended;
      expect(ended).toMatchObject({ code: 3 });
      expect(ended.stdout).not.toMatch(/outcome \w+ 0/);
      expect(ended.stdout).toMatch('end');
      expect(await forbidden.seen()).toBe(0);
    });

    test('a command that kills every process that it may loses its connections, and nothing else', async () => {
      const forbidden = await aCountingGreeter();
      const script = `import errno,os,signal,socket
own=socket.socket(); own.bind(("127.0.0.1",0)); own.listen(64)
os.kill(-1,signal.SIGKILL)
for port in (own.getsockname()[1],${forbidden.port}):
  s=socket.socket(); print(errno.errorcode.get(s.connect_ex(("127.0.0.1",port)),0))`;
      const run = startSbox(['run', '-q', '--rung', rung, '--', python, '-c', script], aWorkspace(as));
      const { stdout, code } = await run.ended;
      expect(code).toBe(0);
      expect(stdout.split('\n')[1]).toMatch(/^E/);
      expect(await forbidden.seen()).toBe(0);
    });
  });
});
