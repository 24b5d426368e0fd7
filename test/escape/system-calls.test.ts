import { beforeAll, expect } from 'vitest';
import { compile } from '../support/compile.ts';
import { needs, program } from '../support/needs.ts';
import { aWorkspace, eachUser, runOutside, runSbox, type User, type Workspace } from '../support/sbox.ts';

const test = needs(program('gcc'), program('unshare', 'util-linux'));

const namespaces = ['clone', 'clone_high', 'clone3', 'unshare'] as const;
const mounts = [
  ...['unshare_net', 'unshare_mount', 'setns', 'mount', 'remount', 'bind', 'private', 'umount', 'chroot', 'fsopen'],
  ...['fspick', 'open_tree', 'move_mount', 'mount_setattr', 'pivot_root'],
];
const keys = ['add_key', 'keyctl', 'request_key'] as const;
const kernel = ['userfaultfd', 'perf', 'kcmp', 'move_pages'] as const;
const rootOnly = ['bpf', 'syslog', 'open_by_handle', 'mknod', 'mknod_null'] as const;
const sockets = ['af_vsock', 'family_high'] as const;
const privilegedSockets = ['af_packet', 'raw', 'raw6'] as const;

/** In namespaces of its own, where even an ordinary user may do all that the attack tries. */
const withPowers = (as: User) => ['unshare', ...(as === 'root' ? ['-mn'] : ['-Urmn'])];

const answers = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ')),
  );
const all = (names: readonly string[], answer: string) => Object.fromEntries(names.map((name) => [name, answer]));

eachUser((as) => {
  let workspace: Workspace;
  beforeAll(() => {
    workspace = aWorkspace(as);
    compile('escape/calls.c', `${workspace.cwd}/calls`);
  });
  const outside = async (names: readonly string[], prefix: readonly string[] = []) =>
    answers((await runOutside([...prefix, './calls', ...names], workspace)).stdout);
  const inside = async (names: readonly string[]) =>
    answers((await runSbox(['run', '-q', '--', './calls', ...names], workspace)).stdout);

  test('no further user namespace can be made, by whatever call', async () => {
    expect(await outside(namespaces)).toEqual(all(namespaces, 'ok'));
    expect(await inside(namespaces)).toEqual({ ...all(namespaces, 'EPERM'), clone3: 'ENOSYS' });
  });

  test('nothing can be mounted, unmounted, remounted, or made the root', async () => {
    expect(await outside(mounts, withPowers(as))).toEqual(all(mounts, 'ok'));
    expect(await inside(mounts)).toEqual(all(mounts, 'EPERM'));
  });

  test("the kernel's keyrings are out of reach", async () => {
    expect(await outside(keys)).toEqual(all(keys, 'ok'));
    expect(await inside(keys)).toEqual(all(keys, 'EPERM'));
  });

  test('tracing, fault handling and page moving of the kernel are refused', async () => {
    expect(await outside(kernel)).toEqual(all(kernel, 'ok'));
    expect(await inside(kernel)).toEqual(all(kernel, 'EPERM'));
  });

  if (as === 'root')
    test("what only the host's root may do is refused", async () => {
      expect(await outside(rootOnly)).toEqual(all(rootOnly, 'ok'));
      expect(await inside(rootOnly)).toEqual(all(rootOnly, 'EPERM'));
    });

  test('io_uring does not exist', async () => {
    expect(await outside(['io_uring'])).toEqual({ io_uring: 'ok' });
    expect(await inside(['io_uring'])).toEqual({ io_uring: 'ENOSYS' });
  });

  test('socket families that know no network namespace do not exist, whatever the high half of the argument', async () => {
    expect(await outside(sockets)).toEqual(all(sockets, 'ok'));
    expect(await inside(sockets)).toEqual(all(sockets, 'EAFNOSUPPORT'));
  });

  test('raw and packet sockets are refused', async () => {
    expect(await outside(privilegedSockets, withPowers(as))).toEqual(all(privilegedSockets, 'ok'));
    expect(await inside(privilegedSockets)).toEqual({ af_packet: 'EAFNOSUPPORT', raw: 'EPERM', raw6: 'EPERM' });
  });

  test('socketpair gives no other families than socket', async () => {
    expect(await outside(['pair_vsock'])).not.toEqual({ pair_vsock: 'EAFNOSUPPORT' });
    expect(await inside(['pair_vsock'])).toEqual({ pair_vsock: 'EAFNOSUPPORT' });
  });

  if (process.arch === 'x64')
    test('the 32-bit entry of the kernel ends the caller', async () => {
      expect(await outside(['int80'])).toEqual({ int80: 'ok' });
      expect(await inside(['int80'])).toEqual({ int80: 'SIGSYS' });
    });
});
