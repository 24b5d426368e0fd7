import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  isDescendant,
  readFlags,
  readMemory,
  readSocketInode,
  readUse,
  readWorkingDirectory,
} from '../../../../src/egress/broker/caller.ts';
import { needs, program } from '../../../support/needs.ts';
import { aWorkspace } from '../../../support/sbox.ts';
import { startProgram } from '../../../support/start.ts';

const gone = 0x7fff_fff0;
const withPython = needs(program('python3'));
/** A Python program that says something, and stays until the test is over. */
const aCaller = async (script: string) => {
  const workspace = aWorkspace();
  const started = startProgram(
    ['python3', '-c', `import ctypes,fcntl,os,socket,sys\n${script}\nsys.stdout.flush(); sys.stdin.read()`],
    { ...workspace, stdin: 'pipe' },
  );
  const said = await started.says('\n');
  return { pid: started.pid, said: said.trim().split(' '), cwd: workspace.cwd, end: () => started.child.stdin?.end() };
};

describe('memory of a caller', () => {
  withPython('is copied, as far as there is some', async () => {
    const { pid, said, end } = await aCaller(
      `import mmap\nm=mmap.mmap(-1,4096*2); m[:]=b"x"*8192; m[0:8]=b"sockaddr"
a=ctypes.addressof(ctypes.c_char.from_buffer(m)); ctypes.CDLL(None).munmap(ctypes.c_void_p(a+4096),4096); print(a)`,
    );
    const address = BigInt(said[0] ?? '');
    expect(readMemory(pid, address, 8).toString()).toBe('sockaddr');
    expect(readMemory(pid, address + 4090n, 128).length).toBeLessThanOrEqual(6);
    expect(() => readMemory(pid, 0n, 16)).toThrow();
    expect(() => readMemory(pid, 0xffff_ffff_ffff_f000n, 16)).toThrow();
    end();
  });

  withPython('are waited for by epoll', async () => {
    const { pid, said, end } = await aCaller(`import select
a=socket.socket(); b=socket.socket(); c=a.dup(); e=select.epoll(); e.register(a,5); e.register(b,1); f=select.epoll(); f.register(c,0x80000004)
print(a.fileno(),c.fileno(),e.fileno(),f.fileno())`);
    const [a = 0, c = 0, e = 0, f = 0] = said.map(Number);
    const [first, second, ...more] = [...readUse(pid, a).epolls].sort((one, other) => one.epoll - other.epoll);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ epoll: e, target: a });
    expect((first?.events ?? 0) & 5).toBe(5);
    expect(second).toMatchObject({ epoll: f, target: c });
    expect((second?.events ?? 0) & 4).toBe(4);
    expect(Number((second?.data ?? 0n) & 0xffff_ffffn)).toBe(c);
    end();
  });

  test('of one that is gone throws', () => expect(() => readMemory(gone, 4096n, 16)).toThrow());
});

describe("a caller's descriptors", () => {
  withPython('have flags, duplicates and inodes', async () => {
    const { pid, said, cwd, end } = await aCaller(`a=socket.socket(); b=os.dup(a.fileno()); c=os.dup2(a.fileno(),77)
a.setblocking(False); fcntl.fcntl(b,fcntl.F_SETFD,0); d=socket.socket(); f=os.open("/dev/null",os.O_RDONLY)
print(a.fileno(),b,c,d.fileno(),f,os.fstat(b).st_ino)`);
    const [a = 0, b = 0, c = 0, d = 0, f = 0, inode = 0] = said.map(Number);
    expect(readFlags(pid, a)).toEqual({ nonBlocking: true, closeOnExec: true });
    expect(readFlags(pid, b)).toEqual({ nonBlocking: true, closeOnExec: false });
    expect(readFlags(pid, d)).toEqual({ nonBlocking: false, closeOnExec: true });
    expect(() => readFlags(pid, 99)).toThrow();
    expect([...readUse(pid, b).targets].sort()).toEqual([a, b, c].sort());
    expect(readUse(pid, b).targets.at(-1)).toBe(b); // the one of the call comes last
    expect(readUse(pid, d).targets).toEqual([d]);
    expect(readSocketInode(pid, c)).toBe(inode);
    expect(readSocketInode(pid, f)).toBeUndefined();
    expect(readSocketInode(pid, 99)).toBeUndefined();
    expect(readWorkingDirectory(pid)).toBe(cwd);
    end();
  });

  withPython('are waited for by epoll', async () => {
    const { pid, said, end } = await aCaller(`import select
a=socket.socket(); b=socket.socket(); c=a.dup(); e=select.epoll(); e.register(a,5); e.register(b,1); f=select.epoll(); f.register(c,0x80000004)
print(a.fileno(),c.fileno(),e.fileno(),f.fileno())`);
    const [a = 0, c = 0, e = 0, f = 0] = said.map(Number);
    const [first, second, ...more] = [...readUse(pid, a).epolls].sort((one, other) => one.epoll - other.epoll);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ epoll: e, target: a });
    expect((first?.events ?? 0) & 5).toBe(5);
    expect(second).toMatchObject({ epoll: f, target: c });
    expect((second?.events ?? 0) & 4).toBe(4);
    expect(Number((second?.data ?? 0n) & 0xffff_ffffn)).toBe(c);
    end();
  });

  test('of one that is gone throw, or are none', () => {
    expect(() => readFlags(gone, 0)).toThrow();
    expect(() => readUse(gone, 0)).toThrow();
    expect(readSocketInode(gone, 0)).toBeUndefined();
  });
});

describe('descent', () => {
  test('is found over generations, and nowhere else', async () => {
    const child = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const [grandchild, pid] = [Number(said), child.pid ?? 0];
    expect(isDescendant(grandchild, process.pid)).toBe(true);
    expect(isDescendant(grandchild, pid)).toBe(true);
    expect(isDescendant(pid, pid)).toBe(true);
    expect(isDescendant(pid, grandchild)).toBe(false);
    expect(isDescendant(process.pid, pid)).toBe(false);
    for (const none of [gone, 0, -1, 1]) expect(isDescendant(none, pid)).toBe(false);
    process.kill(grandchild);
    await once(child, 'close');
    expect(isDescendant(grandchild, process.pid)).toBe(false);
  });

  withPython('is not fooled by a name with brackets', async () => {
    const { pid, end } = await aCaller('open("/proc/self/comm","w").write("x) R 1 1 (y"); print(1)');
    expect(isDescendant(pid, process.pid)).toBe(true);
    end();
  });
});

test('a descriptor that is no socket has no inode here either', () => {
  expect(readSocketInode(process.pid, openSync('/dev/null', 'r'))).toBeUndefined();
});
