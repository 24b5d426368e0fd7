import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { auditDecision } from '../../../src/domain/audit.ts';
import { auditPath, listAuditFiles } from '../../../src/state/audit/files.ts';
import { type AuditOptions, openAudit } from '../../../src/state/audit/open.ts';
import { openAuditTail, readAudit } from '../../../src/state/audit/read.ts';
import { anEgressEvent } from '../../support/egress-events.ts';
import { aTree } from '../../support/trees.ts';

const day = Date.UTC(2026, 0, 2);
const today = '2026-01-02';
const hour = 3_600_000;
const act = (host = 'example.com') => auditDecision(anEgressEvent({ host }));
const options = (changes: Partial<AuditOptions> = {}): AuditOptions => ({
  stateDir: join(aTree({}), 'state'),
  sandbox: 'work-1',
  run: '1-a',
  now: () => day,
  ...changes,
});
const everything = () => true;
const hostsOf = (events: readonly object[]) => events.map((event) => 'host' in event && event.host);
const read = (stateDir: string) => readAudit({ stateDir, wanted: everything });

test('a run without an act touches no file', () => {
  const asked = options();
  openAudit(asked)[Symbol.dispose]();
  expect(existsSync(asked.stateDir)).toBe(false);
});

test('each act is one line with its time, run and sandbox, for the user alone', () => {
  const asked = options();
  using audit = openAudit(asked);
  audit.write(act());
  const file = auditPath(asked.stateDir, 'work-1', today, 1);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    time: '2026-01-02T00:00:00.000Z',
    run: '1-a',
    sandbox: 'work-1',
    ...act(),
  });
  const modes = ['audit', 'audit/work-1', 'audit/work-1/2026-01-02.0001.jsonl'];
  expect(modes.map((path) => statSync(join(asked.stateDir, path)).mode & 0o777)).toEqual([0o700, 0o700, 0o600]);
});

test('a host name of the client stays on one line of ASCII and is read back as it was', () => {
  const asked = options();
  const host = 'a\n{"kind":"run-end"}\n\x1b[2J\u2028\u009b';
  using audit = openAudit(asked);
  audit.write(act(host));
  expect(readFileSync(auditPath(asked.stateDir, 'work-1', today, 1), 'latin1')).toMatch(/^[\x20-\x7e]+\n$/);
  expect(hostsOf(read(asked.stateDir))).toEqual([host]);
});

test('a full part is followed by the next, a new day by its own, and the oldest go', () => {
  let now = day;
  const asked = options({ now: () => now, bounds: { fileBytes: 400, filesOfSandbox: 3 } });
  using audit = openAudit(asked);
  for (let index = 0; index < 9; index++) audit.write(act(`h${index}`));
  now += 24 * hour;
  audit.write(act('tomorrow'));
  const files = listAuditFiles(asked.stateDir);
  expect(files.map((file) => `${file.day}.${file.part}`)).toEqual(['2026-01-02.4', '2026-01-02.5', '2026-01-03.1']);
  expect(hostsOf(read(asked.stateDir))).toEqual(['h6', 'h7', 'h8', 'tomorrow']);
  expect(audit.failure()).toBeUndefined();
});

test('what is kept of all sandboxes is bounded, and the longest untouched go first', () => {
  const asked = options();
  const path = (sandbox: string) => auditPath(asked.stateDir, sandbox, today, 1);
  for (const [index, sandbox] of ['a', 'b', 'c'].entries()) {
    using audit = openAudit({ ...asked, sandbox });
    audit.write(act());
    utimesSync(path(sandbox), day / 1000 + index, day / 1000 + index);
  }
  using audit = openAudit({ ...asked, sandbox: 'd', bounds: { totalFiles: 3 } });
  audit.write(act());
  expect(listAuditFiles(asked.stateDir).map(({ sandbox }) => sandbox)).toEqual(['b', 'c', 'd']);
  using last = openAudit({ ...asked, sandbox: 'e', bounds: { totalBytes: statSync(path('d')).size } });
  last.write(act());
  expect(listAuditFiles(asked.stateDir).map(({ sandbox }) => sandbox)).toEqual(['d', 'e']);
});

test('a part that somebody removed is begun anew', () => {
  const asked = options();
  using audit = openAudit(asked);
  audit.write(act('lost'));
  unlinkSync(auditPath(asked.stateDir, 'work-1', today, 1));
  audit.write(act('kept'));
  expect(hostsOf(read(asked.stateDir))).toEqual(['kept']);
});

test('runs at once append to one file and lose no line', async () => {
  const asked = options();
  const module = join(aTree({}), 'open.mjs');
  await build({
    entryPoints: ['src/state/audit/open.ts'],
    outfile: module,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const script = `import { openAudit } from ${JSON.stringify(module)};
    const [stateDir, run] = process.argv.slice(1);
    using: { const audit = openAudit({ stateDir, sandbox: 'work-1', run, bounds: { fileBytes: 20_000, filesOfSandbox: 1000 } });
    for (let index = 0; index < 500; index++) audit.write({ ...${JSON.stringify(act())}, host: 'h' + index });
    if (audit.failure()) throw new Error(audit.failure().message); }`;
  const runs = ['a', 'b', 'c', 'd'].map((run) =>
    spawn(process.execPath, ['--input-type=module', '-e', script, asked.stateDir, run], { stdio: 'inherit' }),
  );
  expect((await Promise.all(runs.map((child) => once(child, 'exit')))).map(([code]) => code)).toEqual([0, 0, 0, 0]);
  const events = read(asked.stateDir);
  for (const run of ['a', 'b', 'c', 'd']) {
    expect(new Set(hostsOf(events.filter((event) => event.run === run))).size).toBe(500);
  }
  expect(events).toHaveLength(2000);
  expect(listAuditFiles(asked.stateDir).length).toBeGreaterThan(5);
});

test.each<[string, (path: string, aside: string) => void]>([
  ['a link', (path, aside) => symlinkSync(aside, path)],
  ['a folder', (path) => mkdirSync(path)],
])('%s in the place of a part is not written to; it is told, and nothing throws', (_, plant) => {
  const asked = options();
  const aside = join(aTree({ file: 'kept' }), 'file');
  const path = auditPath(asked.stateDir, 'work-1', today, 1);
  mkdirSync(join(path, '..'), { recursive: true });
  plant(path, aside);
  using audit = openAudit(asked);
  audit.write(act());
  audit.write(act());
  expect(audit.failure()).toMatchObject({ lost: 2, message: expect.stringContaining('cannot write to') });
  expect(readFileSync(aside, 'utf8')).toBe('kept');
});

test('a link in the place of a folder is not followed', () => {
  const asked = options();
  const aside = aTree({});
  mkdirSync(join(asked.stateDir, 'audit'), { recursive: true });
  symlinkSync(aside, join(asked.stateDir, 'audit/work-1'));
  using audit = openAudit(asked);
  audit.write(act());
  expect(audit.failure()).toMatchObject({ lost: 1 });
  expect(readdirSync(aside)).toEqual([]);
});

test('a folder that was open to others is closed', () => {
  const asked = options();
  mkdirSync(join(asked.stateDir, 'audit'), { recursive: true });
  chmodSync(join(asked.stateDir, 'audit'), 0o777);
  using audit = openAudit(asked);
  audit.write(act());
  expect(statSync(join(asked.stateDir, 'audit')).mode & 0o777).toBe(0o700);
});

test('a flood leaves what was logged before it, and is told as a sum', () => {
  const asked = options({ bounds: { fileBytes: 2000, filesOfSandbox: 3, decisions: 5, kinds: 2 } });
  const audit = openAudit(asked);
  audit.write(act('before'));
  for (let index = 0; index < 5000; index++) audit.write(act(`h${index}`));
  audit[Symbol.dispose]();
  const events = read(asked.stateDir);
  expect(hostsOf(events)).toEqual(['before', 'h0', 'h1', 'h2', 'h3', 'h4', 'h5', 'others']);
  expect(events.at(-1)).toMatchObject({ count: 4994 });
});

test('an act after the end is still written', () => {
  const asked = options();
  const audit = openAudit(asked);
  audit[Symbol.dispose]();
  audit.write(act('late'));
  expect(hostsOf(read(asked.stateDir))).toEqual(['late']);
});

test('reading takes the newest, of a time, of some sandboxes; passes over torn lines', () => {
  let now = day;
  const asked = options({ now: () => now, bounds: { fileBytes: 400 } });
  for (let index = 0; index < 6; index++) {
    using audit = openAudit({ ...asked, sandbox: index % 2 === 0 ? 'even' : 'odd' });
    audit.write(act(`h${index}`));
    now += 10 * hour;
  }
  appendFileSync(auditPath(asked.stateDir, 'odd', today, 1), '{"time":"2026-01-02T1\nnull\n[]\n{"kind":1}\n');
  const { stateDir } = asked;
  expect(hostsOf(readAudit({ stateDir, wanted: everything, last: 3 }))).toEqual(['h3', 'h4', 'h5']);
  expect(hostsOf(readAudit({ stateDir, wanted: everything, sinceMs: day + 35 * hour }))).toEqual(['h4', 'h5']);
  expect(hostsOf(readAudit({ stateDir, wanted: everything, sandboxes: ['odd', 'none'] }))).toEqual(['h1', 'h3', 'h5']);
  expect(hostsOf(readAudit({ stateDir, wanted: (event) => event.time < '2026-01-02T2', last: 1 }))).toEqual(['h1']);
});

test('following gives each line once, when it is whole, and goes on with new parts and sandboxes', () => {
  const asked = options({ bounds: { fileBytes: 300 } });
  const { stateDir } = asked;
  const tail = openAuditTail({ stateDir, wanted: everything, last: 1 });
  expect(tail.next()).toEqual([]);
  using audit = openAudit(asked);
  audit.write(act('a'));
  expect(hostsOf(tail.next())).toEqual(['a']);
  expect(tail.next()).toEqual([]);
  const path = auditPath(stateDir, 'work-1', today, 1);
  const line = `${JSON.stringify({ time: '2026-01-02T00:00:00.000Z', run: 'r', sandbox: 'work-1', ...act('b') })}\n`;
  appendFileSync(path, line.slice(0, 60));
  expect(tail.next()).toEqual([]);
  appendFileSync(path, line.slice(60));
  for (const host of ['c', 'd', 'e']) audit.write(act(host));
  expect(listAuditFiles(stateDir).length).toBeGreaterThan(1);
  using other = openAudit({ ...asked, sandbox: 'other' });
  other.write(act('f'));
  expect(hostsOf(tail.next()).sort()).toEqual(['b', 'c', 'd', 'e', 'f']);
  rmSync(path);
  expect(tail.next()).toEqual([]);
});

test('a link among the parts is not read', () => {
  const asked = options();
  const secret = join(aTree({ file: `${JSON.stringify({ time: 'x', kind: 'decision' })}\n` }), 'file');
  mkdirSync(join(asked.stateDir, 'audit/work-1'), { recursive: true });
  writeFileSync(join(asked.stateDir, 'audit/work-1/notes.txt'), 'no part');
  symlinkSync(secret, auditPath(asked.stateDir, 'work-1', today, 1));
  expect(() => read(asked.stateDir)).toThrow('ELOOP');
});
