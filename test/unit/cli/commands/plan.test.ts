import { expect, test } from 'vitest';
import { printPlan } from '../../../../src/cli/commands/plan.ts';
import { planRun } from '../../../../src/plan/plan.ts';
import { allowing, denying } from '../../../support/egress-rules.ts';
import { anInvocation, aProfile, facts } from '../../../support/plan-builders.ts';
import { cliContext, policyFolders } from '../../../support/policy-folders.ts';

const print = (invocation = anInvocation(), profile = aProfile()): string => {
  const { context, output } = cliContext(policyFolders());
  printPlan(planRun(profile, invocation, facts()), false, context);
  return output();
};
const section = (text: string, title: string): string[] | undefined =>
  text
    .split('\n\n')
    .find((part) => part.startsWith(`${title}\n`))
    ?.trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));

test('what the network reaches is told rule by rule, with where each was declared', () => {
  const profile = aProfile({
    network: {
      mode: 'limited',
      allow: allowing('registry:npm').map((rule) => ({ ...rule, origin: '/w/sbox.json:3:14' })),
      deny: denying('*.evil.test'),
      hosts: {
        'api.test': { address: '127.0.0.1', port: 8443, origin: '/w/sbox.json:4:2' },
        'six.test': { address: '::1', origin: '/w/sbox.json:4:3' },
      },
      publish: [{ hostPort: 3000, port: 80, origin: '/w/sbox.json:5:1' }],
    },
  });
  const invocation = anInvocation({
    allow: allowing('*.github.test:8443'),
    publish: [{ host: '::1', hostPort: 1, port: 2, origin: '--publish' }],
  });
  expect(section(print(invocation, profile), 'network')).toEqual([
    'allow | registry:npm | /w/sbox.json:3:14',
    'allow | *.github.test:8443 | --allow',
    'deny | *.evil.test | --deny',
    'host | api.test is 127.0.0.1:8443 | /w/sbox.json:4:2',
    'host | six.test is ::1 | /w/sbox.json:4:3',
    'publish | 127.0.0.1:3000 leads to port 80 | /w/sbox.json:5:1',
    'publish | [::1]:1 leads to port 2 | --publish',
  ]);
});

test('a network without rules is one word', () => {
  const text = print();
  expect(section(text, 'network')).toBeUndefined();
  expect(text).toMatch(/^ +network +none$/m);
});
