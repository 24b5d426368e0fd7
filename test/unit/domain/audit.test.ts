import { expect, test } from 'vitest';
import { auditDecision } from '../../../src/domain/audit.ts';
import { printableJson } from '../../../src/domain/printable.ts';
import { anEgressEvent } from '../../support/egress-events.ts';

test('a decision is told with what became of it, and without its sentence', () => {
  const event = anEgressEvent(
    { verdict: 'allow', reason: 'allowed', source: '*.example.com (sbox.json:3:5)', fix: '--allow x' },
    { bytesOut: 10, bytesIn: 20, error: 'ECONNRESET' },
  );
  expect(auditDecision(event)).toEqual({
    kind: 'decision',
    verdict: 'allow',
    reason: 'allowed',
    host: 'example.com',
    port: 443,
    protocol: 'connect',
    source: '*.example.com (sbox.json:3:5)',
    bytesOut: 10,
    bytesIn: 20,
    durationMs: 12,
    error: 'ECONNRESET',
  });
});

test('what a malformed host holds before an @ is not kept, and not more than a line can bear', () => {
  expect(auditDecision(anEgressEvent({ host: 'user:secret@x@example.com', reason: 'malformed' })).host).toBe(
    '…@example.com',
  );
  expect(auditDecision(anEgressEvent({ host: 'a'.repeat(1e6), reason: 'malformed' })).host).toHaveLength(300);
});

test('as JSON it is ASCII, and the same value again when it is read', () => {
  const value = { host: 'a\x1b\x7f\u009b\u2028\u{1f600}ä"\\' };
  expect(printableJson(value)).toMatch(/^[\x20-\x7e]+$/);
  expect(JSON.parse(printableJson(value))).toEqual(value);
});
