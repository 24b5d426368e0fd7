import { expect, test } from 'vitest';
import { auditDecision } from '../../../src/domain/audit.ts';
import { openThinner } from '../../../src/state/audit/thin.ts';
import { anEgressEvent } from '../../support/egress-events.ts';

const bounds = { decisions: 3, windowMs: 1000, kinds: 2 };
const denied = (host: string) => auditDecision(anEgressEvent({ host }, { bytesOut: 5 }));
const allowed = auditDecision(anEgressEvent({ verdict: 'allow', reason: 'allowed' }));

test('the first decisions pass one by one; those beyond are summed and come at the end of the window', () => {
  const thinner = openThinner(bounds);
  for (let index = 0; index < 3; index++) expect(thinner.take(denied('a'), 0)).toEqual([denied('a')]);
  expect(thinner.take(denied('a'), 0)).toEqual([]);
  expect(thinner.take(denied('a'), 999)).toEqual([]);
  expect(thinner.take(denied('b'), 1000)).toEqual([{ ...denied('a'), count: 2, bytesOut: 10, durationMs: 24 }]);
  expect(thinner.flush()).toEqual([{ ...denied('b'), count: 1 }]);
  expect(thinner.flush()).toEqual([]);
});

test('a flood of refusals takes no room from what is allowed, nor from other acts', () => {
  const thinner = openThinner(bounds);
  for (let index = 0; index < 100; index++) thinner.take(denied(`h${index}`), 0);
  expect(thinner.take(allowed, 0)).toEqual([allowed]);
  const end = { kind: 'run-end', exitCode: 0, timedOut: false, durationMs: 1 } as const;
  expect(thinner.take(end, 0)).toEqual([end]);
});

test('of very many names only so many are told apart, and the others counted', () => {
  const thinner = openThinner(bounds);
  for (let index = 0; index < 1003; index++) thinner.take(denied(`h${index}`), 0);
  const summed = thinner.flush();
  expect(summed.map((act) => 'host' in act && [act.host, act.count])).toEqual([
    ['h3', 1],
    ['h4', 1],
    ['others', 998],
  ]);
});
