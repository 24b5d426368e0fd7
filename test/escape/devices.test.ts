import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { aWorkspace, eachUser, runOutside, runScript, users } from '../support/sbox.ts';

const modeOf = (path: string) => statSync(path).mode & 0o777;

if (users.includes('root'))
  test("root inside can not change the modes of the host's devices", async () => {
    const workspace = aWorkspace('root');
    const before = modeOf('/dev/full');
    try {
      await runOutside(['chmod', '0646', '/dev/full'], workspace);
      expect(modeOf('/dev/full')).toBe(0o646);
      await runOutside(['chmod', before.toString(8), '/dev/full'], workspace);
      await runScript('chmod 0646 /dev/full', workspace);
      expect(modeOf('/dev/full')).toBe(before);
    } finally {
      await runOutside(['chmod', before.toString(8), '/dev/full'], workspace);
    }
  });

eachUser((as) => {
  test('the devices work', async () => {
    const script = 'echo x >/dev/null; head -c 3 /dev/zero | od -An -tx1; head -c 9 /dev/urandom | wc -c; ls /dev';
    const { stdout } = await runScript(script, aWorkspace(as));
    expect(stdout.split(/\s+/).filter(Boolean)).toEqual(
      '00 00 00 9 fd full null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' '),
    );
  });

  test("the kernel's settings can not be written, by uid 0 either", async () => {
    const script = `for file in kernel/core_pattern kernel/hostname kernel/modprobe vm/drop_caches net/ipv4/ip_forward \
      kernel/ns_last_pid fs/suid_dumpable user/max_user_namespaces; do
      echo "$(cat /proc/sys/$file | wc -c)" >/dev/null
      (printf 1 >/proc/sys/$file) 2>/dev/null && echo "wrote $file"
    done; (echo h >/proc/sysrq-trigger) 2>/dev/null && echo wrote sysrq; chmod 777 /proc/sys/kernel/core_pattern; echo end`;
    expect((await runScript(script, aWorkspace(as))).stdout).toBe('end\n');
  });

  test('of /sys there is only the topology of processors, read-only', async () => {
    const workspace = aWorkspace(as);
    const script = 'ls /sys; ls /sys/devices; ls /sys/devices/system; ls -d /sys/kernel /sys/fs /sys/class';
    expect((await runOutside(['sh', '-c', script], workspace)).stdout).toMatch('/sys/kernel');
    expect((await runScript(script, workspace)).stdout).toBe('devices\nsystem\ncpu\nnode\n');
    const write = await runScript('echo 0 >/sys/devices/system/cpu/cpu1/online; touch /sys/x', workspace);
    expect(write.stderr).toMatch(/Read-only file system|Permission denied/);
    expect(write.code).not.toBe(0);
  });
});
