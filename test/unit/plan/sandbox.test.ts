import { expect, test } from 'vitest';
import { hashText, planSandbox } from '../../../src/plan/sandbox.ts';
import { anInvocation, facts } from '../../support/plan-builders.ts';

test.each([
  ['', 'cbf29ce484222325'],
  ['a', 'af63dc4c8601ec8c'],
  ['foobar', '85944171f73967e8'],
])('the hash of "%s" is the published FNV-1a', (text, hash) => expect(hashText(text)).toBe(hash));

test.each([
  ['/srv/My Project', 'my-project-'],
  ['/srv/..hidden..', 'hidden-'],
  ['/srv/été', 't-'],
  ['/srv/日本', 'workspace-'],
  [`/srv/${'n'.repeat(255)}`, `${'n'.repeat(40)}-`],
])('the sandbox of %s is named %s and a hash', (workspace, start) => {
  const { name } = planSandbox(anInvocation(), facts({ workspace }));
  expect(name.slice(0, -16)).toBe(start);
  expect(name.slice(-16)).toBe(hashText(workspace));
});

test('two workspaces of one name have two sandboxes', () => {
  const nameOf = (workspace: string) => planSandbox(anInvocation(), facts({ workspace })).name;
  expect(nameOf('/a/x')).not.toBe(nameOf('/b/x'));
  expect(nameOf('/a/x')).toBe(nameOf('/a/x'));
});

test('the name of a workspace can be given back with --name', () => {
  const { name } = planSandbox(anInvocation(), facts({ workspace: `/srv/${'n'.repeat(255)}` }));
  expect(name).toMatch(/^[a-z0-9][a-z0-9._-]{0,63}$/);
});
