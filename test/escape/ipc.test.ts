import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs, program } from '../support/needs.ts';
import { uniqueDuration } from '../support/processes.ts';
import { aWorkspace, eachUser, runOutside, runSbox } from '../support/sbox.ts';
import { startProgram } from '../support/start.ts';

const test = needs(program('python3'));
const python = (script: string) => ['python3', '-c', script];

const serve = (family: 'stream' | 'dgram' | 'seqpacket', address: string) => `import socket,sys
kinds={"stream":socket.SOCK_STREAM,"dgram":socket.SOCK_DGRAM,"seqpacket":socket.SOCK_SEQPACKET}
s=socket.socket(socket.AF_UNIX,kinds["${family}"]); s.bind("${address}")
if "${family}"!="dgram": s.listen(9)
print("ready",flush=True); sys.stdin.read()`;

const connect = (family: string, address: string) => `import socket
kinds={"stream":socket.SOCK_STREAM,"dgram":socket.SOCK_DGRAM,"seqpacket":socket.SOCK_SEQPACKET}
try: s=socket.socket(socket.AF_UNIX,kinds["${family}"]); s.connect("${address}"); s.send(b"x"); print("connected")
except OSError as error: print("refused")
if "${family}"=="dgram":
  try: s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.sendto(b"x","${address}"); print("sent")
  except OSError as error: print("refused")`;

const families = ['stream', 'dgram', 'seqpacket'] as const;

eachUser((as) => {
  test.each(families.flatMap((family) => ['none', 'limited', 'full'].map((mode) => [family, mode] as const)))(
    'an abstract %s socket of the host is out of reach with --net %s',
    async (family, mode) => {
      const workspace = aWorkspace(as);
      const address = `\\0sbox-test-${uniqueDuration()}`;
      const server = startProgram(python(serve(family, address)), { ...workspace, stdin: 'pipe' });
      await server.says('ready');
      const outside = await runOutside(python(connect(family, address)), workspace);
      const inside = await runSbox(['run', '-q', '--net', mode, '--', ...python(connect(family, address))], workspace);
      server.child.stdin?.end();
      expect(outside.stdout).toMatch('connected');
      expect(outside.stdout).not.toMatch('refused');
      expect(inside.stdout).toMatch('refused');
      expect(inside.stdout).not.toMatch(/connected|sent/);
    },
  );

  test.each(families)('a %s socket in an undeclared folder is out of reach', async (family) => {
    const workspace = aWorkspace(as);
    const address = join(workspace.base, 'socket');
    const server = startProgram(python(serve(family, address)), { ...workspace, stdin: 'pipe' });
    await server.says('ready');
    const outside = await runOutside(python(connect(family, address)), workspace);
    const inside = await runSbox(['run', '-q', '--net', 'full', '--', ...python(connect(family, address))], workspace);
    server.child.stdin?.end();
    expect(outside.stdout).toMatch('connected');
    expect(inside.stdout).not.toMatch(/connected|sent/);
  });

  test('where the network is shared, a socket in the workspace can be connected to, and the run says so', async () => {
    const workspace = aWorkspace(as);
    const address = join(workspace.cwd, 'socket');
    const server = startProgram(python(serve('stream', address)), { ...workspace, stdin: 'pipe' });
    await server.says('ready');
    const argv = python(connect('stream', address));
    const shared = await runSbox(['run', '--net', 'full', '--', ...argv], workspace);
    const required = await runSbox(['run', '--net', 'full', '--require', 'sockets', '--', 'true'], workspace);
    const own = await runSbox(['run', '--require', 'sockets', '--', ...argv], workspace);
    server.child.stdin?.end();
    expect(shared.stdout).toBe('connected\n');
    expect(shared.stderr).toMatch('sockets partial (a unix socket that lies in a declared mount can be connected to)');
    expect(required).toMatchObject({ code: 125, stdout: '' });
    expect(own).toMatchObject({ code: 0, stdout: 'refused\n' });
  });

  test.each(['none', 'limited'])('a server on the loopback of the host is out of reach with --net %s', async (mode) => {
    const workspace = aWorkspace(as);
    const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const script = `import socket
for address in ("127.0.0.1","0.0.0.0","127.1"):
  try: print(socket.create_connection((address,${port}),2).recv(9))
  except OSError as error: print("refused")`;
    const outside = await runOutside(python(script), workspace);
    const inside = await runSbox(['run', '-q', '--net', mode, '--', ...python(script)], workspace);
    server.close();
    expect(outside.stdout).toBe("b'hello'\n".repeat(3));
    expect(inside.stdout).toBe('refused\n'.repeat(3));
  });

  test('shared memory, semaphores, message queues and named semaphores of outsiders do not exist', async () => {
    const workspace = aWorkspace(as);
    const make = `import ctypes,sys
c=ctypes.CDLL(None,use_errno=True); rt=ctypes.CDLL("librt.so.1",use_errno=True)
key=0x5b0c0000+${process.pid % 60_000}
ids=[c.shmget(key,4096,0o1600),c.semget(key,1,0o1600),c.msgget(key,0o1600)]
q=rt.mq_open(b"/sbox-test-${process.pid}",0o102,0o600,None)
open("/dev/shm/sbox-test-${process.pid}","w").write("secret")
print(ids,q,flush=True); print("ready",flush=True); sys.stdin.read()
c.shmctl(ids[0],0,None); c.semctl(ids[1],0,0); c.msgctl(ids[2],0,None); rt.mq_unlink(b"/sbox-test-${process.pid}")
import os; os.unlink("/dev/shm/sbox-test-${process.pid}")`;
    const find = `import ctypes,os
c=ctypes.CDLL(None); rt=ctypes.CDLL("librt.so.1")
key=0x5b0c0000+${process.pid % 60_000}
print([x>=0 for x in (c.shmget(key,0,0),c.semget(key,0,0),c.msgget(key,0),rt.mq_open(b"/sbox-test-${process.pid}",0))],os.path.exists("/dev/shm/sbox-test-${process.pid}"))`;
    const maker = startProgram(python(make), { ...workspace, stdin: 'pipe' });
    await maker.says('ready');
    const outside = await runOutside(python(find), workspace);
    const inside = await runSbox(['run', '-q', '--net', 'full', '--', ...python(find)], workspace);
    maker.child.stdin?.end();
    await maker.ended;
    expect(outside.stdout).toBe('[True, True, True, True] True\n');
    expect(inside.stdout).toBe('[False, False, False, False] False\n');
  });
});
