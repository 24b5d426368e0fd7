import { describe, expect, test } from 'vitest';
import { file, needs, program } from '../../support/needs.ts';
import { builtPackage } from '../../support/package-copy.ts';
import { aWorkspace, eachUser, runOutside, runSbox, sboxCommand, type Workspace } from '../../support/sbox.ts';

const strictly = (argv: readonly string[], workspace: Workspace, flags: readonly string[] = []) =>
  runSbox(['run', '-q', '--rung', 'landlock', '--hide', 'strict', ...flags, '--', ...argv], workspace);

/** What programs do every day, with what it says outside. */
const everyday: readonly (readonly [string, string])[] = [
  ['the times of an open file are set', 'echo text >file; touch file; echo done'],
  ['a tree is copied', 'mkdir from; echo text >from/file; cp -a from to; cat to/file'],
  ['an archive is unpacked', 'mkdir in out; echo text >in/file; tar cf a.tar in; tar xf a.tar -C out; cat out/in/file'],
  ['node sets times', `echo text >file; node -e 'fs.futimesSync(fs.openSync("file", "r+"), 1, 1)'; stat -c %Y file`],
  ['output is a file', 'cat <(echo substituted)'],
  [
    'the standard streams have names',
    '{ echo in | cat /dev/stdin; echo out >/dev/fd/1; echo error >/dev/stderr; } 2>&1 | cat',
  ],
  ['a document stands in the script', 'cat /dev/stdin <<END\ntext\nEND'],
  ['a link of the host is read', 'readlink /etc/localtime /etc/os-release; date +%Z'],
  ['a link is gone back from', 'mkdir -p a/b; ln -s a/b l; echo text >a/file; cat l/../file'],
];

const pythonTest = needs(file('/usr/bin/python3', 'python3'));
const library = 'import ctypes, errno, os, sys; libc = ctypes.CDLL(None, use_errno=True)';
/** Sets what keeps others from its memory, then looks at a file (ptrace(2), "dumpable"). */
const guarded = `${library}
libc.prctl(4, 0) and sys.exit('prctl'); os.stat('/usr'); print('looked')`;
/** Watches folders for names. */
const watching = `${library}
watch = libc.inotify_init()
for path in sys.argv[1:]:
  print(errno.errorcode[ctypes.get_errno()] if libc.inotify_add_watch(watch, path.encode(), 0xfff) < 0 else 'watched')`;

eachUser((as) => {
  describe('under strict hiding', () => {
    test.each(everyday)('%s', async (_, script) => {
      const argv = ['bash', '-c', script];
      const outside = await runOutside(argv, aWorkspace(as));
      const { status, stdout, stderr } = await strictly(argv, aWorkspace(as));
      expect(outside.status).toBe(0);
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: outside.stdout, stderr: outside.stderr });
    });

    pythonTest('a process that keeps its memory from others finds its files', async () => {
      const ended = await strictly(['/usr/bin/python3', '-c', guarded], aWorkspace(as));
      expect(ended).toMatchObject({ status: 0, stdout: 'looked\n', stderr: '' });
    });

    needs(program('ssh-agent', 'openssh-client'))('an agent for keys starts', async () => {
      const ended = await strictly(['ssh-agent', 'sh', '-c', 'test -S "$SSH_AUTH_SOCK" && echo runs'], aWorkspace(as));
      expect(ended).toMatchObject({ status: 0, stdout: 'runs\n', stderr: '' });
    });

    test('a sandbox can be made inside', async () => {
      const inner = sboxCommand(['run', '-q', '--', 'echo', 'inner']);
      const ended = await strictly(inner, aWorkspace(as), ['-m', builtPackage()]);
      expect(ended).toMatchObject({ status: 0, stdout: 'inner\n' });
    });

    pythonTest('names are watched in the workspace, not in the folders on the way to it', async () => {
      const workspace = aWorkspace(as);
      const argv = ['/usr/bin/python3', '-c', watching, '.', '..', workspace.base, '/'];
      expect((await runOutside(argv, workspace)).stdout).toBe('watched\n'.repeat(4));
      expect((await strictly(argv, workspace)).stdout).toBe('watched\nEACCES\nEACCES\nEACCES\n');
    });
  });
});
