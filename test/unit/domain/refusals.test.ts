import { expect, test } from 'vitest';
import type { EgressEvent } from '../../../src/domain/decision.ts';
import { addRefusal, mostRefusals, noRefusals, renderRefusals, withoutOwn } from '../../../src/domain/refusals.ts';
import { anEgressEvent } from '../../support/egress-events.ts';

const summary = (events: readonly EgressEvent[]): string[] => renderRefusals(events.reduce(addRefusal, noRefusals));
const many = (count: number) => Array.from({ length: count }, (_, index) => anEgressEvent({ host: `h${index}.test` }));

test('nothing refused gives no line', () => {
  expect(summary([anEgressEvent({ verdict: 'allow', reason: 'allowed' })])).toEqual([]);
});

test('a name is told once, with how often, why, and what would allow it', () => {
  const event = anEgressEvent({ fix: '--allow example.com' });
  expect(summary([event, event, event, anEgressEvent({ port: 25 })])).toEqual([
    'refused example.com:443 (not allowed, 3 times): --allow example.com',
    'refused example.com:25 (not allowed)',
  ]);
});

test('reasons are told apart, the most frequent first; a look-up has no port', () => {
  const lookUp = anEgressEvent({ host: 'a.test', port: 0, protocol: 'dns' });
  const rule = anEgressEvent({ host: 'a.test', reason: 'denied' });
  expect(summary([lookUp, rule, rule])).toEqual([
    'refused a.test:443 (denied by a rule, 2 times)',
    'refused a.test (not allowed)',
  ]);
});

test('ten names fit, more are counted', () => {
  expect(summary(many(10))).toHaveLength(10);
  const lines = summary(many(11));
  expect(lines).toHaveLength(10);
  expect(lines.at(-1)).toBe('refused 2 more requests: sbox log --denied');
});

test('a client that asks for very many names fills no memory, and none is forgotten in the count', () => {
  const refusals = many(20_000).reduce(addRefusal, noRefusals);
  expect(refusals.names).toHaveLength(mostRefusals);
  expect(refusals.others).toBe(20_000 - mostRefusals);
  expect(renderRefusals(refusals).at(-1)).toBe('refused 19991 more requests: sbox log --denied');
});

test('a name of the client can neither move the cursor nor begin a line, and does not grow without end', () => {
  const [line] = summary([
    anEgressEvent({ host: `a\x1b[2J\r\nsbox: b\u202e\u009b${'c'.repeat(9999)}`, reason: 'malformed' }),
  ]);
  expect(line).toMatch(/^[\x20-\x7e]{1,200}$/);
  expect(line).toContain('a\\u{1b}[2J\\u{d}\\u{a}sbox: b\\u{202e}\\u{9b}ccc');
});

test('an address of IPv6 stands in brackets before its port', () => {
  expect(summary([anEgressEvent({ host: '::1', port: 4567, reason: 'address-not-allowed' })])).toEqual([
    'refused [::1]:4567 (an address that is not allowed)',
  ]);
});

test('refusals of loopback are left out at a port where a server inside was reached', () => {
  const hosts = ['::1', '127.0.0.1', 'localhost', '127.0.0.53', 'a.test', '192.0.2.1', 'localhost.a.test'];
  const events = [3000, 3001].flatMap((port) => hosts.map((host) => anEgressEvent({ host, port })));
  const lookUp = anEgressEvent({ host: 'localhost', port: 3000, protocol: 'dns' });
  const left = withoutOwn([...events, lookUp].reduce(addRefusal, noRefusals), new Set([3000]));
  expect(left.names.map(({ host, port }) => [host, port])).toEqual([
    ...['a.test', '192.0.2.1', 'localhost.a.test'].map((host) => [host, 3000]),
    ...hosts.map((host) => [host, 3001]),
    ['localhost', undefined],
  ]);
});

const aFailure = (message: string, host = 'web.test') =>
  anEgressEvent({ verdict: 'allow', reason: 'allowed', host }, { error: 'ECONNREFUSED', message });

test('why an allowed host could not be reached is told once for each reason', () => {
  const dead = 'the proxy http://127.0.0.1:1: 127.0.0.1: ECONNREFUSED';
  const events = [aFailure(dead), aFailure(dead), aFailure('it did not answer in time', '::1'), anEgressEvent()];
  expect(summary([...events, aFailure(dead, 'b.test'), aFailure(dead, 'c.test')])).toEqual([
    `could not reach web.test:443 and 2 more: ${dead}`,
    'could not reach [::1]:443: it did not answer in time',
    'refused example.com:443 (not allowed)',
  ]);
  const broken = anEgressEvent({ verdict: 'allow', reason: 'allowed' }, { error: 'ECONNRESET' });
  expect(summary([broken])).toEqual([]);
});

test('both together fit into ten lines, and neither hides the other', () => {
  const failures = Array.from({ length: 20 }, (_, index) => aFailure(`reason ${index}\n`));
  const lines = summary([...failures, ...many(20)]);
  expect(lines).toHaveLength(10);
  expect(lines[0]).toBe('could not reach web.test:443: reason 0\\u{a}');
  expect(lines[4]).toBe('could not reach hosts for 16 more reasons: sbox log');
  expect(lines[9]).toBe('refused 16 more requests: sbox log --denied');
  expect(summary([...failures, ...many(2)])).toHaveLength(10);
});
