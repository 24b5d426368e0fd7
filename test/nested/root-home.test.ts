import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtPackage } from '../support/package-copy.ts';
import { needsContainers } from './needs-containers.ts';
import { runNested } from './run-contract.ts';

const sbox = `${process.execPath} ${join(builtPackage(), 'bin/sbox.js')}`;

/** In a pod of Kubernetes a user without an entry has the root as HOME. */
const inPod = (script: string) =>
  runNested({ variant: 'k8s' }, ['sh', '-c', `mkdir /tmp/work; cd /tmp/work; ${script}`]);

describe.skipIf(!needsContainers())('where HOME is the root', () => {
  test.each(['/.gitconfig', '~/.gitconfig', '~/.config/git/config'])(
    'a mount with the target %s is there below the HOME of the sandbox',
    async (target) => {
      const show = `cat "$HOME/${target.slice(target.indexOf('/') + 1)}"`;
      const script = `echo $HOME; echo mine >/tmp/file; ${sbox} run -q -m '/tmp/file:${target}' -- sh -c '${show}'`;
      expect(await inPod(script)).toMatchObject({ status: 0, stdout: '/\nmine\n', stderr: '' });
    },
  );

  test('a document shows what it names below ~/', async () => {
    const document = '{"mounts": [{"source": "/tmp/file", "target": "~/.npmrc"}]}';
    const script = `echo mine >/tmp/file; echo '${document}' >/tmp/document.json; ${sbox} run -q -c /tmp/document.json -- sh -c 'cat ~/.npmrc'`;
    expect(await inPod(script)).toMatchObject({ status: 0, stdout: 'mine\n', stderr: '' });
  });

  test('a target that would be shown nowhere is refused, with one that works', async () => {
    const run = (target: string) =>
      inPod(`echo mine >/tmp/file; ${sbox} run -q -m '/tmp/file:${target}' -- sh -c 'cat ~/foo'`);
    const refused = { status: 2, stderr: expect.stringMatching(/name "\/tmp\/file" or "~\/foo" as the target/) };
    expect(await run('/foo')).toMatchObject(refused);
    expect(await run('~/foo')).toMatchObject({ status: 0, stdout: 'mine\n' });
  });
});
