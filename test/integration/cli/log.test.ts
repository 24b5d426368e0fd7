import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type LogOptions, log } from '../../../src/cli/commands/log.ts';
import type { CliContext } from '../../../src/cli/context.ts';
import { auditDecision } from '../../../src/domain/audit.ts';
import { nameOfWorkspace } from '../../../src/plan/sandbox.ts';
import { openAudit } from '../../../src/state/audit/open.ts';
import { anEgressEvent } from '../../support/egress-events.ts';
import { cliContext, type PolicyFolders, policyFolders } from '../../support/policy-folders.ts';

const allowed = { verdict: 'allow', reason: 'allowed' } as const;

/** Each act a millisecond later, so that their order is known. */
let clock = Date.now() - 60_000;

const write = ({ stateDir }: PolicyFolders, sandbox: string, hosts: Readonly<Record<string, 'allow' | 'deny'>>) => {
  using audit = openAudit({ stateDir, sandbox, run: '1-a', now: () => clock++ });
  for (const [host, verdict] of Object.entries(hosts)) {
    audit.write(auditDecision(anEgressEvent({ host, ...(verdict === 'allow' && allowed) })));
  }
};

const shown = async (folders: PolicyFolders, options: LogOptions, changes: Partial<CliContext> = {}) => {
  let complaint = '';
  const complain = (text: string) => {
    complaint += text;
  };
  const { context, output } = cliContext(folders, { complain, ...changes });
  const code = await log(options, context);
  const hosts = [...output().matchAll(/([a-z]+)\.test/g)].map(([, host]) => host);
  return { code, output: output(), complaint, hosts };
};

test("without an option it is this workspace's sandboxes, the named ones too", async () => {
  const folders = policyFolders();
  write(folders, nameOfWorkspace(folders.workspace), { 'a.test': 'deny' });
  write(folders, 'mine', { 'b.test': 'allow' });
  write(folders, 'elsewhere', { 'c.test': 'deny' });
  for (const [name, workspace] of [
    ['mine', folders.workspace],
    ['elsewhere', `${folders.workspace}2`],
  ] as const) {
    folders.write(`state/sandboxes/${name}/record.json`, { version: 1, name, workspace, created: '' });
  }
  expect((await shown(folders, {})).hosts).toEqual(['a', 'b']);
  expect((await shown(folders, {}, { cwd: join(folders.workspace, 'sub') })).hosts).toEqual(['b']);
  expect((await shown(folders, { name: 'elsewhere' })).hosts).toEqual(['c']);
  expect((await shown(folders, { all: true })).hosts).toEqual(['a', 'b', 'c']);
  expect((await shown(folders, { all: true, denied: true })).hosts).toEqual(['a', 'c']);
  expect((await shown(folders, { all: true, last: '1' })).hosts).toEqual(['c']);
  expect((await shown(folders, { all: true, since: '1h' })).hosts).toEqual(['a', 'b', 'c']);
});

test('--json is one event a line', async () => {
  const folders = policyFolders();
  write(folders, 'mine', { 'a.test': 'deny', '\x1b\u009b': 'deny' });
  const { output } = await shown(folders, { name: 'mine', json: true });
  expect(output).toMatch(/^(?:[\x20-\x7e]+\n){2}$/);
  expect(JSON.parse(output.split('\n')[0] ?? '')).toMatchObject({ sandbox: 'mine', run: '1-a', host: 'a.test' });
});

test('nothing to show is said, and no fault', async () => {
  const folders = policyFolders();
  expect(await shown(folders, { denied: true, since: '2h' })).toMatchObject({
    code: 0,
    output: '',
    complaint:
      'sbox: note: nothing was denied in the sandboxes of this workspace (--all shows every one) in the last 2h\n',
  });
  expect(await shown(folders, { json: true })).toMatchObject({ output: '', complaint: '' });
});

test.each<[LogOptions, string]>([
  [{ name: 'none' }, 'cannot show the log of "none": there is no such sandbox'],
  [{ name: '../x' }, 'cannot show the log of "../x": there is no such sandbox'],
  [{ name: 'none', all: true }, 'cannot show one sandbox and all of them'],
  [{ last: '0' }, 'cannot use --last: "0" is not a whole number from 1 to 2147483647'],
  [{ since: '3' }, 'cannot use --since: "3" is not a duration'],
])('%j is refused', async (options, message) => {
  await expect(shown(policyFolders(), options)).rejects.toMatchObject({ code: 'SBOX_E_USAGE', exitCode: 2, message });
});

test('a link in the log is told of, not followed', async () => {
  const folders = policyFolders();
  const part = join(folders.stateDir, 'audit/mine/2026-01-02.0001.jsonl');
  mkdirSync(join(part, '..'), { recursive: true });
  writeFileSync(join(folders.root, 'aside'), '{"time":"2026","kind":"x"}\n');
  symlinkSync(join(folders.root, 'aside'), part);
  await expect(shown(folders, { name: 'mine' })).rejects.toMatchObject({ code: 'SBOX_E_STATE' });
});

test('--follow shows what is there, then what comes, until it is told to stop', async () => {
  const folders = policyFolders();
  write(folders, 'mine', { 'a.test': 'deny', 'b.test': 'deny' });
  const controller = new AbortController();
  let output = '';
  const print = (text: string) => {
    output += text;
    if (text.includes('b.test')) write(folders, 'mine', { 'c.test': 'deny' });
    if (text.includes('c.test')) controller.abort();
  };
  const { context } = cliContext(folders, { print });
  expect(await log({ name: 'mine', follow: true, last: '1' }, context, controller.signal)).toBe(0);
  expect([...output.matchAll(/(\w)\.test/g)].map(([, host]) => host)).toEqual(['b', 'c']);
});
