import { expect, test } from 'vitest';
import type { EgressRule, NetworkPolicy } from '../../../src/domain/network.ts';
import { noteUndenied, planNetwork } from '../../../src/plan/network.ts';
import { allowing, denying } from '../../support/egress-rules.ts';
import { anInvocation, aProfile } from '../../support/plan-builders.ts';

const declared = (rules: readonly EgressRule[]) => rules.map((rule) => ({ ...rule, origin: 'sbox.json:1:1' }));
const network: NetworkPolicy = {
  mode: 'limited',
  allow: declared(allowing('a.test')),
  deny: declared(denying('b.test')),
  hosts: { 'a.test': { address: '127.0.0.1', port: 8443, origin: 'sbox.json:1:2' } },
  publish: [{ hostPort: 3000, port: 80, origin: 'sbox.json:1:3' }],
};

test('the rules of options stand behind those of the profile, each with its origin', () => {
  const invocation = anInvocation({
    allow: allowing('c.test:22'),
    deny: denying('*.d.test'),
    publish: [{ host: '127.0.0.2', hostPort: 1, port: 2, origin: '--publish' }],
  });
  expect(planNetwork(aProfile({ network }), invocation)).toEqual({
    mode: 'limited',
    allow: [
      { text: 'a.test', origin: 'sbox.json:1:1', match: { kind: 'name', name: 'a.test', subdomains: false } },
      { text: 'c.test:22', origin: '--allow', match: { kind: 'name', name: 'c.test', subdomains: false }, port: 22 },
    ],
    deny: [
      { text: 'b.test', origin: 'sbox.json:1:1', match: { kind: 'name', name: 'b.test', subdomains: false } },
      { text: '*.d.test', origin: '--deny', match: { kind: 'name', name: 'd.test', subdomains: true } },
    ],
    hosts: network.hosts,
    publish: [...network.publish, { host: '127.0.0.2', hostPort: 1, port: 2, origin: '--publish' }],
  });
});

test("the invocation's mode wins, and a profile's rules may be set aside by it", () => {
  expect(planNetwork(aProfile({ network }), anInvocation())).toEqual(network);
  expect(planNetwork(aProfile({ network }), anInvocation({ network: 'none' }))).toEqual({ ...network, mode: 'none' });
});

test('an --allow that would do nothing is refused, with what would work', () => {
  const plan = (mode: 'none' | 'host-only', ...allow: string[]) =>
    planNetwork(aProfile({ network: { ...network, mode } }), anInvocation({ allow: allowing(...allow) }));
  expect(() => plan('none', 'c.test', '*.d.test')).toThrow(
    expect.objectContaining({
      code: 'SBOX_E_USAGE',
      exitCode: 2,
      message: 'cannot allow "c.test", "*.d.test" with network mode "none"',
      reason: 'the profile sets that mode, which reaches nothing',
      fix: "--net limited --allow c.test --allow '*.d.test'",
    }),
  );
  expect(() => plan('host-only', 'c.test')).toThrow(
    expect.objectContaining({ reason: 'the profile sets that mode, which reaches this machine only' }),
  );
  expect(() => planNetwork(aProfile(), anInvocation({ network: 'none', allow: allowing('c.test') }))).toThrow(
    expect.objectContaining({ reason: '--net sets that mode, which reaches nothing' }),
  );
  expect(planNetwork(aProfile(), anInvocation({ network: 'limited', allow: allowing('c.test') })).allow).toHaveLength(
    1,
  );
});

test('a --deny in a mode that looks at nothing is refused, and what documents deny there is named', () => {
  const denied = anInvocation({ network: 'full', deny: denying('c.test', '*.d.test') });
  expect(() => planNetwork(aProfile(), denied)).toThrow(
    expect.objectContaining({
      code: 'SBOX_E_USAGE',
      exitCode: 2,
      message: 'cannot deny "c.test", "*.d.test" with network mode "full"',
      reason: '--net sets that mode, in which nothing is looked at',
      fix: 'leave --deny out, or name what may be reached: --net limited --allow HOST',
    }),
  );
  const full = planNetwork(aProfile({ network }), anInvocation({ network: 'full' }));
  expect(noteUndenied(full)).toEqual(['network mode "full" looks at nothing: not denied is "b.test" (sbox.json:1:1)']);
  expect(noteUndenied(planNetwork(aProfile({ network }), anInvocation()))).toEqual([]);
});
