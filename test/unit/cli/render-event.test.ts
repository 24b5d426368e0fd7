import { expect, test } from 'vitest';
import { renderEvent } from '../../../src/cli/render-event.ts';
import { type AuditAct, type AuditEvent, auditDecision } from '../../../src/domain/audit.ts';
import { anEgressEvent } from '../../support/egress-events.ts';

const at = new Date(2026, 0, 2, 3, 4, 5);
const stamped = (act: AuditAct): AuditEvent => ({ time: at.toISOString(), run: '12-x', sandbox: 'work-1', ...act });
const line = (act: AuditAct, sandbox = false): string => renderEvent(stamped(act), { color: false, sandbox });

test.each<[string, AuditAct, string]>([
  ['a refusal', auditDecision(anEgressEvent()), 'denied   example.com:443                   connect      not allowed'],
  [
    'a refusal of an address of IPv6',
    auditDecision(anEgressEvent({ host: '::1' })),
    'denied   [::1]:443                         connect      not allowed',
  ],
  [
    'what was allowed',
    auditDecision(
      anEgressEvent(
        { verdict: 'allow', reason: 'allowed', source: '--allow example.com' },
        { bytesOut: 999, bytesIn: 1_234_567, durationMs: 2345, error: 'ECONNRESET' },
      ),
    ),
    'allowed  example.com:443                   connect      999 B out, 1.2 MB in, 2.3 s; failed: ECONNRESET; by --allow example.com',
  ],
  [
    'many in one',
    { ...auditDecision(anEgressEvent()), count: 7 },
    'denied   example.com:443                   connect      not allowed; 7 times',
  ],
  [
    'a start',
    { kind: 'run-start', workspace: '/work', program: 'node', rung: 'namespaces', network: 'limited' },
    'start    node in "/work" (namespaces, network limited), run 12-x',
  ],
  [
    'an end',
    { kind: 'run-end', exitCode: 3, timedOut: true, durationMs: 50 },
    'end      exit code 3 after 50 ms, its time was up, run 12-x',
  ],
  [
    'an approval',
    { kind: 'approval', subject: 'git push', verdict: 'deny', reason: 'the operator said no' },
    'denied   approval git push: the operator said no',
  ],
])('%s is one line', (_, act, expected) => {
  expect(line(act)).toBe(`2026-01-02 03:04:05  ${expected}`);
});

test('of several sandboxes each line names its own', () => {
  expect(line(auditDecision(anEgressEvent()), true)).toContain('03:04:05  work-1                    denied');
});

test('a kind that this version does not know is shown as it is', () => {
  expect(line({ kind: 'new', what: 'x\x1b' } as unknown as AuditAct)).toMatch(
    /\?\s+\{.*"kind":"new","what":"x\\u001b"\}$/,
  );
});

test('nothing that a client spelled moves the cursor', () => {
  const host = 'a\x1b]0;x\x07\r\n\u009b\u202e';
  const text = line(auditDecision(anEgressEvent({ host, reason: 'malformed', source: host }, { error: host })));
  expect(text).toMatch(/^[\x20-\x7e]+$/);
});
