import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditDecision } from '../../../src/domain/audit.ts';
import { openAudit } from '../../../src/state/audit/open.ts';
import { anEgressEvent } from '../../support/egress-events.ts';
import { aWorkspace, identityOf, runOutside, runSbox, sboxCommand, startSbox } from '../../support/sbox.ts';

/** The log of the user who runs the tests: another one's could not be written from here. */
const ownWorkspace = () => aWorkspace(process.getuid?.() === 0 ? 'root' : 'user');

const logged = (workspace: { readonly stateHome: string }, host: string): void => {
  using audit = openAudit({ stateDir: join(workspace.stateHome, 'sbox'), sandbox: 'mine', run: '1-a' });
  audit.write(auditDecision(anEgressEvent({ host })));
};

test('log --follow shows what is added, and ends cleanly at Ctrl-C', async () => {
  const workspace = ownWorkspace();
  expect(identityOf(workspace.as).uid).toBe(process.getuid?.());
  logged(workspace, 'first.test');
  const follower = startSbox(['log', '--name', 'mine', '--follow'], workspace);
  await follower.says('first.test');
  logged(workspace, 'second.test');
  await follower.says('second.test');
  follower.child.kill('SIGINT');
  expect(await follower.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test('a reader that has seen enough is no fault', async () => {
  const workspace = ownWorkspace();
  for (let index = 0; index < 1000; index++) logged(workspace, `h${index}.test`);
  const [node, script] = sboxCommand([]);
  const pipe = `"${node}" "${script}" log --name mine --last 1000 | head -n 1`;
  const ended = await runOutside(['bash', '-o', 'pipefail', '-c', pipe], workspace);
  expect(ended).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('h0.test') });
});

test('log names what is wrong with its options', async () => {
  const ended = await runSbox(['log', '--since', '3'], ownWorkspace());
  expect(ended).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('cannot use --since: "3" is not a duration'),
  });
});
