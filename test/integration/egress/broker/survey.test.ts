import { describe, expect, test } from 'vitest';
import { readUse } from '../../../../src/egress/broker/caller.ts';
import type { BrokerLink } from '../../../../src/egress/broker/link.ts';
import { findUse } from '../../../../src/egress/broker/survey.ts';
import { Program } from '../../../../src/syscall/program.ts';
import { openInterpreter } from '../../../support/interpreter.ts';
import { needs, program } from '../../../support/needs.ts';
import { aWorkspace } from '../../../support/sbox.ts';
import { startProgram } from '../../../support/start.ts';

const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const interpreter = openInterpreter(arch);

/** A broker that executes one batch as a program, and writes its results to descriptor 3. */
const link = {
  ask: async (bytes: number, build: Parameters<BrokerLink['ask']>[1]) => {
    const batch = new Program(arch);
    const results = batch.room(bytes);
    build(batch, results);
    batch.call('write', [3, results, bytes]);
    batch.call('exit_group', [0]);
    return (await interpreter.send([batch.render()])).channel;
  },
} as unknown as BrokerLink;

const withPython = needs(program('python3'));
const aCaller = async (script: string) => {
  const started = startProgram(
    ['python3', '-c', `import os,select,socket,sys\n${script}\nsys.stdout.flush(); sys.stdin.read()`],
    { ...aWorkspace(), stdin: 'pipe' },
  );
  const said = (await started.says('\n')).trim().split(' ').map(Number);
  return { pid: started.pid, said, end: () => started.child.stdin?.end() };
};

describe('a survey of a process', () => {
  withPython('tells what the launcher would read itself: flags, duplicates, epoll registrations, ids', async () => {
    const { pid, said, end } = await aCaller(
      'a=socket.socket(); a.setblocking(False); b=a.dup(); c=socket.socket(); e=select.epoll(); e.register(a,5); e.register(b,1); e.register(c,1); print(a.fileno(),c.fileno())',
    );
    const [a = -1, c = -1] = said;
    for (const descriptor of [a, c]) {
      const found = await findUse(link, { pid, descriptor });
      expect(found).toEqual(readUse(pid, descriptor));
    }
    const { targets, epolls, nonBlocking } = await findUse(link, { pid, descriptor: a });
    expect({ targets: targets.length, epolls: epolls.length, nonBlocking }).toEqual({
      targets: 2,
      epolls: 2,
      nonBlocking: true,
    });
    end();
  });

  withPython('looks at the lowest descriptors alone where there are many', async () => {
    const { pid, said, end } = await aCaller(
      'e=select.epoll(); [os.open("/dev/null",0) for _ in range(300)]; a=socket.socket(); e.register(a,5); print(a.fileno(),e.fileno())',
    );
    const [descriptor = -1, epoll = -1] = said;
    expect(descriptor).toBeGreaterThan(300);
    const { targets, epolls } = await findUse(link, { pid, descriptor });
    expect(targets).toEqual([descriptor]);
    expect(epolls).toMatchObject([{ epoll, target: descriptor, events: 0x1d }]); // EPOLLERR and EPOLLHUP are always there
    end();
  });

  test('of one that is gone, or has no such descriptor, fails', async () => {
    await expect(findUse(link, { pid: 0x7fff_fff0, descriptor: 1 })).rejects.toThrow();
    await expect(findUse(link, { pid: process.pid, descriptor: 4095 })).rejects.toThrow();
  });
});
