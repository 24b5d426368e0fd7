import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { compile } from '../support/compile.ts';
import { needs, program } from '../support/needs.ts';
import { aWorkspace, eachUser, runOutside, runSbox, runScript, users } from '../support/sbox.ts';

const test = needs(program('gcc'), program('python3'));

const capabilities = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr '\\n\\t' '  '";

eachUser((as) => {
  test('no capability is left, and none can be gained', async () => {
    const { stdout } = await runScript(
      `${capabilities}; cat /proc/1/status | grep -c 'CapEff:.0000000000000000'`,
      aWorkspace(as),
    );
    expect(stdout.trim()).toBe(
      `CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: 0000000000000000 CapAmb: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 1`,
    );
  });

  if (users.includes('root'))
    test('a setuid program and one with file capabilities gain nothing', async () => {
      const workspace = aWorkspace(as);
      const file = compile('escape/identity.c', join(workspace.cwd, 'identity'));
      // owned by root, for an ordinary user to gain by
      await runOutside(['chown', '0:0', file], { ...workspace, as: 'root' });
      chmodSync(file, 0o6755);
      expect((await runOutside([file], workspace)).stdout).toMatch(/euid=0 /);
      const inside = await runSbox(['run', '-q', '--', file], workspace);
      expect(inside.stdout).toMatch(as === 'root' ? 'euid=0 caps=0' : /^euid=[1-9]\d* caps=0/);
    });

  test('ids can not be changed and no further id is mapped', async () => {
    const script = `import os
for name,call in (("setuid",lambda:os.setuid(1)),("setgid",lambda:os.setgid(1)),("setgroups",lambda:os.setgroups([0])),("setresuid",lambda:os.setresuid(1,1,1))):
  try: call(); print(name,"done")
  except OSError as error: print(name,"refused")
print(open("/proc/self/uid_map").read().split()[2],open("/proc/self/setgroups").read().strip())
for file in ("uid_map","gid_map"):
  try: os.write(os.open("/proc/self/"+file,os.O_WRONLY),b"0 0 1"); print(file,"written")
  except OSError as error: print(file,"refused")`;
    const { stdout } = await runSbox(['run', '-q', '--', 'python3', '-c', script], aWorkspace(as));
    expect(stdout).toBe(
      'setuid refused\nsetgid refused\nsetgroups refused\nsetresuid refused\n1 deny\nuid_map refused\ngid_map refused\n',
    );
  });

  test('a limit can not be raised, for itself or through another process', async () => {
    const workspace = aWorkspace(as);
    const script =
      'ulimit -Hn; ulimit -n 4096 2>/dev/null && echo raised; prlimit --pid $$ --nofile=4096:4096 2>/dev/null && echo raised;' +
      'ulimit -c unlimited 2>/dev/null && echo raised; ulimit -Hc';
    expect((await runScript(script, workspace, ['--open-files', '64'])).stdout).toBe('64\n0\n');
  });

  test('with user namespaces allowed, read-only stays read-only and hidden stays hidden', async () => {
    const workspace = aWorkspace(as);
    workspace.write('.envrc', 'safe');
    workspace.write(join(workspace.base, 'outside/secret'), 'secret');
    const config = workspace.write(join(workspace.base, 'userns.json'), '{"userNamespaces": true}');
    const attack = `mount -t tmpfs x /tmp && echo mounted
mount -o remount,bind,rw .envrc; umount .envrc; umount -l .envrc; umount -R . ; mount -o remount,bind,rw /usr; umount /usr
mount -t proc x /proc; mount --make-rshared /; mount -o remount,rw /; umount -l /; mount --move .envrc /tmp
mkdir -p /tmp/n /tmp/n/old; mount -t tmpfs x /tmp/n; mkdir /tmp/n/old; pivot_root /tmp/n /tmp/n/old
chroot /proc/1/root cat ${workspace.base}/outside/secret; nsenter -t 1 -m cat ${workspace.base}/outside/secret
echo x >.envrc; touch /usr/x; echo x >/proc/sys/kernel/core_pattern; cat ${workspace.base}/outside/secret; cat .envrc; exit 0`;
    // the kernel lets nobody without CAP_SETFCAP map uid 0 (user_namespaces(7))
    const unshare = as === 'root' ? ['unshare', '-Um', '--keep-caps'] : ['unshare', '-Urm'];
    const ended = await runSbox(['run', '-q', '-c', config, '--', ...unshare, 'sh', '-c', attack], workspace);
    expect(ended.stdout).toBe('mounted\nsafe');
    expect((await runOutside(['cat', '.envrc'], workspace)).stdout).toBe('safe');
  });

  test('private folders in memory are bounded where memory is', async () => {
    const script = 'df --output=size -k /tmp /dev/shm /run /var/tmp | tail -n +2';
    const { stdout } = await runScript(script, aWorkspace(as), ['--memory', '64M']);
    for (const size of stdout.trim().split(/\s+/)) expect(Number(size)).toBeLessThanOrEqual(64 * 1024);
  });
});
