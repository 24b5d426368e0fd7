import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkspace, eachUser, runOutside, runSbox, runScript, sboxCommand, startSbox } from '../../support/sbox.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const quoted = (argv: readonly string[]) => argv.map((word) => `'${word}'`).join(' ');

eachUser((as) => {
  test('64 MiB of any bytes pass through standard input and output unchanged', async () => {
    const bytes = Buffer.concat(Array.from({ length: 64 }, () => randomBytes(1024 * 1024)));
    const ended = await runSbox(['run', '-q', '--', 'cat'], { ...aWorkspace(as), stdin: bytes });
    expect(ended.code).toBe(0);
    expect(ended.stdoutBytes.length).toBe(bytes.length);
    expect(sha256(ended.stdoutBytes)).toBe(sha256(bytes));
  });

  test('standard error is separate', async () => {
    expect(await runScript('echo out; echo err >&2', aWorkspace(as))).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test.each(['namespaces', 'landlock'])('on %s the streams have names, wherever their files lie', async (rung) => {
    const workspace = aWorkspace(as);
    const script = 'echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin';
    const argv = sboxCommand(['run', '-q', '--rung', rung, '--', 'sh', '-c', script]);
    const shell = ['sh', '-c', 'echo in > ../in; "$@" < ../in >> ../out 2>> ../err; cat ../out ../err', 'sh', ...argv];
    expect(await runOutside(shell, workspace)).toMatchObject({ code: 0, stdout: 'out\nin\nerr\n', stderr: '' });
  });

  test('a reader that stops reading ends the command as without sbox: by SIGPIPE', async () => {
    const workspace = aWorkspace(as);
    const pipeline = (argv: readonly string[]) => [
      'bash',
      '-c',
      `${quoted(argv)} | head -c 1 >/dev/null; echo "\${PIPESTATUS[*]}"`,
    ];
    const outside = await runOutside(pipeline(['yes']), workspace);
    const inside = await runOutside(pipeline(sboxCommand(['run', '-q', '--', 'yes'])), workspace);
    expect(outside.stdout).toBe('141 0\n');
    expect(inside).toMatchObject({ stdout: '141 0\n', stderr: '' });
  });

  test('a command that closes its input gives the writer EPIPE while it runs on', async () => {
    const workspace = aWorkspace(as);
    const script = 'exec <&-; echo closed; while [ ! -e go ]; do sleep 0.05; done; exit 9';
    const started = startSbox(['run', '-q', '--', 'sh', '-c', script], { ...workspace, stdin: 'pipe' });
    const failed = new Promise((resolve) => started.child.stdin?.on('error', resolve));
    await started.says('closed');
    // the command may say so before the launcher has let go of its own end
    const writing = setInterval(() => started.child.stdin?.write('x'), 20);
    const error = await failed.finally(() => clearInterval(writing));
    expect(error).toMatchObject({ code: 'EPIPE' });
    expect(started.child.exitCode).toBe(null);
    writeFileSync(join(workspace.cwd, 'go'), '');
    expect(await started.ended).toMatchObject({ code: 9 });
  });

  test('a command that closes its output gives the reader the end while it runs on', async () => {
    const workspace = aWorkspace(as);
    const script = 'echo last; exec >&-; while [ ! -e go ]; do sleep 0.05; done; exit 9';
    const started = startSbox(['run', '-q', '--', 'sh', '-c', script], workspace);
    await new Promise((resolve) => started.child.stdout?.on('end', resolve));
    expect(started.stdout()).toBe('last\n');
    expect(started.child.exitCode).toBe(null);
    writeFileSync(join(workspace.cwd, 'go'), '');
    expect(await started.ended).toMatchObject({ code: 9 });
  });

  test('an input that has ended ends for the command', async () => {
    expect(await runScript('wc -c', { ...aWorkspace(as), stdin: '' })).toMatchObject({ code: 0, stdout: '0\n' });
  });

  test('no descriptor above 2 is inherited, whatever is open outside', async () => {
    const workspace = aWorkspace(as);
    const secret = workspace.write(join(workspace.base, 'secret'), 'secret');
    const extra = Array.from({ length: 8 }, () => openSync(secret, 'r'));
    try {
      const list = ['sh', '-c', 'for fd in $(seq 3 40); do [ -e /proc/$$/fd/$fd ] && echo $fd; done; echo end'];
      expect((await runOutside(list, { ...workspace, extra })).stdout).toContain('10\nend\n');
      expect((await runSbox(['run', '-q', '--', ...list], { ...workspace, extra })).stdout).toBe('end\n');
    } finally {
      for (const fd of extra) closeSync(fd);
    }
  });

  test('standard streams may be files of the host, which need not be visible inside', async () => {
    const workspace = aWorkspace(as);
    const [input, output] = [workspace.write(join(workspace.base, 'in'), 'from a file'), join(workspace.base, 'out')];
    const [stdin, stdout] = [openSync(input, 'r'), openSync(output, 'w')];
    try {
      await runScript('cat; echo; echo end', { ...workspace, stdin, stdout });
      expect(readFileSync(output, 'utf8')).toBe('from a file\nend\n');
    } finally {
      closeSync(stdin);
      closeSync(stdout);
    }
  });

  test('pipes of a shell pass 64 MiB unchanged, too', async () => {
    const workspace = aWorkspace(as);
    const bytes = Buffer.concat(Array.from({ length: 64 }, () => randomBytes(1024 * 1024)));
    const source = workspace.write(join(workspace.base, 'source'), bytes);
    const pipeline = `cat '${source}' | ${quoted(sboxCommand(['run', '-q', '--', 'cat']))} | sha256sum`;
    expect((await runOutside(['sh', '-c', pipeline], workspace)).stdout).toContain(sha256(bytes));
  });

  test('/dev/stdin, /dev/stdout and /dev/stderr can be opened where they are pipes', async () => {
    const workspace = aWorkspace(as);
    const script = 'cat /dev/stdin > /dev/stdout; echo err > /dev/stderr';
    const pipeline = (argv: readonly string[]) =>
      `printf in | { ${quoted(argv)} 2>&1 >&3 | sed s/^/error:/; } 3>&1 | cat`;
    for (const argv of [['sh', '-c', script], sboxCommand(['run', '-q', '--', 'sh', '-c', script])]) {
      const { stdout } = await runOutside(['sh', '-c', pipeline(argv)], workspace);
      expect(stdout).toContain('in');
      expect(stdout).toContain('error:err\n');
    }
  });

  test.each([
    ['input', '<&-', ''],
    ['output', '>&-', ''],
    ['error', '2>&-', ''],
    ['everything', '<&- >&- 2>&-', ''],
  ])('a run works with closed streams: %s', async (_, redirection) => {
    const workspace = aWorkspace(as);
    const command = quoted(sboxCommand(['run', '-q', '--', 'sh', '-c', 'touch ran; exit 5']));
    const ended = await runOutside(['sh', '-c', `${command} ${redirection}`], workspace);
    expect({ status: ended.status, ran: existsSync(join(workspace.cwd, 'ran')) }).toEqual({ status: 5, ran: true });
  });
});
