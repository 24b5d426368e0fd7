import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkspace, eachUser, runScript } from '../../support/sbox.ts';

eachUser((as) => {
  test('many first runs of one workspace at once share one sandbox and one copy', async () => {
    const workspace = aWorkspace(as);
    for (let file = 0; file < 50; file++) workspace.write(join(workspace.base, `data/${file}`), 'x');
    const flags = ['--mount', `${workspace.base}/data:/data:copy`];
    const ended = await Promise.all(
      Array.from({ length: 10 }, (_, run) =>
        runScript(`touch ~/${run} /data/own-${run}; ls /data | grep -vc own`, workspace, flags),
      ),
    );
    expect(ended.map(({ code, stdout, stderr }) => ({ code, stdout, stderr }))).toEqual(
      ended.map(() => ({ code: 0, stdout: '50\n', stderr: '' })),
    );
    const { stdout } = await runScript('ls ~ | wc -l; ls /data | wc -l', workspace, flags);
    expect(stdout).toBe('10\n60\n');
  });

  test('runs at once do not see, signal or share the temporary files of each other', async () => {
    const workspace = aWorkspace(as);
    const [first, second] = await Promise.all([
      runScript(
        'echo one > /tmp/file; touch first; while [ ! -e second ]; do sleep 0.02; done; cat /tmp/file; touch done',
        workspace,
      ),
      runScript(
        'while [ ! -e first ]; do sleep 0.02; done; ls /tmp; ls -d /proc/[0-9]* | wc -l; kill -KILL -1; touch second; while [ ! -e done ]; do sleep 0.02; done',
        workspace,
      ),
    ]);
    expect(first).toMatchObject({ code: 0, stdout: 'one\n' });
    expect(second.code).toBe(0);
    expect(second.stdout).not.toContain('file\n');
  });
});
