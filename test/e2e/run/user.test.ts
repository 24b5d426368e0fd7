import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aWorkspace, eachUser, runSbox } from '../../support/sbox.ts';

eachUser((as) => {
  test.each(['namespaces', 'landlock'])(
    'on %s the command takes itself for whom --user names; its files are the caller’s',
    async (rung) => {
      const workspace = aWorkspace(as);
      const script = 'id -u; id -g; id -un; touch made; stat -c %u:%g made; cat /proc/self/status | grep CapEff';
      const ended = await runSbox(
        ['run', '-q', '--rung', rung, '--user', '1234:4321', '--', 'sh', '-c', script],
        workspace,
      );
      const lines = ended.stdout.trim().split('\n');
      expect(ended, ended.stderr).toMatchObject({ code: 0 });
      expect([lines[0], lines[1], lines[3], lines[4]]).toEqual([
        '1234',
        '4321',
        '1234:4321',
        'CapEff:\t0000000000000000',
      ]);
      if (rung === 'namespaces') expect(lines[2]).toBe('user');
      const { uid, gid } = statSync(workspace.cwd);
      expect(statSync(join(workspace.cwd, 'made'))).toMatchObject({ uid, gid });
    },
  );

  test('its connections are decided on all the same', async () => {
    const python = 'import socket; s=socket.socket(); print(s.connect_ex(("192.0.2.1", 443)))';
    const ended = await runSbox(['run', '-q', '--user', '1234', '--', 'python3', '-c', python], aWorkspace(as));
    expect(ended.stdout.trim()).toBe('13');
  });

  test('without a user namespace it is refused, with what works', async () => {
    const [workspace, { uid, gid }] = [aWorkspace(as), statSync(aWorkspace(as).cwd)];
    const portable = ['run', '-q', '--rung', 'portable'];
    const ended = await runSbox([...portable, '--user', '1234', '--', 'true'], workspace);
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringMatching(/SBOX_E_RUNG(?:.|\n)*--user \d+:\d+;/) });
    const works = /--user (\d+:\d+);/.exec(ended.stderr)?.[1] ?? '';
    expect(works).toBe(`${uid}:${gid}`);
    const own = await runSbox([...portable, '--user', works, '--', 'id', '-u'], workspace);
    expect(own).toMatchObject({ code: 0, stdout: `${uid}\n` });
  });
});
