import { describe, expect, test } from 'vitest';
import { SboxError } from '../../../src/domain/errors.ts';
import type { Capabilities, Refusal } from '../../../src/domain/facts.ts';
import type { Mechanism } from '../../../src/domain/plan.ts';
import type { RungName } from '../../../src/domain/rung.ts';
import { mechanismOf, planMechanism } from '../../../src/plan/rung.ts';
import { capabilities } from '../../support/plan-builders.ts';

const refusal: Refusal = { message: "can't create a user namespace: ENOSPC", cause: 'the limit is 0', fix: 'raise it' };

const everything = capabilities();
const chrootOnly = capabilities({ namespaces: { root: 'chroot', proc: 'host' } });
const noMounts = capabilities({ namespaces: refusal });
const noNamespaces = capabilities({ namespaces: refusal, bareNamespaces: false, landlockAbi: 4 });
const noLandlock: Refusal = { message: "can't use Landlock: ENOSYS", cause: 'an old kernel', fix: 'take a newer one' };
const nothing = capabilities({ namespaces: refusal, bareNamespaces: false, landlockAbi: 0, noLandlock });

describe('the rung of a run', () => {
  test.each<[string, RungName | undefined, Capabilities, Mechanism]>([
    ['all of it', undefined, everything, { kind: 'namespaces', root: 'pivot', proc: 'fresh' }],
    ['a weaker variant', undefined, chrootOnly, { kind: 'namespaces', root: 'chroot', proc: 'host' }],
    ['no mounts', undefined, noMounts, { kind: 'landlock', abi: 7, namespaces: true }],
    ['no namespaces', undefined, noNamespaces, { kind: 'landlock', abi: 4, namespaces: false }],
    ['nothing', undefined, nothing, { kind: 'portable' }],
    ['all of it', 'namespaces', everything, { kind: 'namespaces', root: 'pivot', proc: 'fresh' }],
    ['all of it', 'landlock', everything, { kind: 'landlock', abi: 7, namespaces: true }],
    ['all of it', 'portable', everything, { kind: 'portable' }],
    ['no namespaces', 'landlock', noNamespaces, { kind: 'landlock', abi: 4, namespaces: false }],
    ['nothing', 'portable', nothing, { kind: 'portable' }],
  ])('with %s and --rung %s', (_, wanted, host, expected) => {
    expect(planMechanism(wanted, host)).toEqual(expected);
  });
});

describe('a rung that was asked for and is not there', () => {
  const refused = (wanted: RungName, host: Capabilities): SboxError => {
    try {
      planMechanism(wanted, host);
    } catch (error) {
      if (error instanceof SboxError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  };

  test('is refused with what was found when it was tried, and no other is taken', () => {
    expect(refused('namespaces', noMounts)).toMatchObject({
      code: 'SBOX_E_RUNG',
      message: 'cannot use rung "namespaces": can\'t create a user namespace: ENOSPC',
      reason: 'the limit is 0',
      fix: 'raise it',
      exitCode: 125,
    });
  });

  test('inside another sandbox says so, and names no setting of the machine', () => {
    const inside = mechanismOf('namespaces', noNamespaces, true);
    expect(inside).toMatchObject({ message: refusal.message, cause: expect.stringMatching(/^this is inside another/) });
    expect(inside).toMatchObject({ fix: expect.not.stringContaining('raise it') });
    expect(mechanismOf('namespaces', everything, true)).toEqual(mechanismOf('namespaces', everything));
  });

  test('as Landlock, too', () => {
    expect(refused('landlock', nothing)).toMatchObject({
      code: 'SBOX_E_RUNG',
      message: 'cannot use rung "landlock": can\'t use Landlock: ENOSYS',
      reason: 'an old kernel',
      fix: 'take a newer one',
    });
  });
});

test.each<[RungName, Capabilities, Mechanism | { message: string }]>([
  ['namespaces', everything, { kind: 'namespaces', root: 'pivot', proc: 'fresh' }],
  ['namespaces', nothing, refusal],
  ['landlock', noNamespaces, { kind: 'landlock', abi: 4, namespaces: false }],
  ['landlock', nothing, noLandlock],
  ['portable', nothing, { kind: 'portable' }],
])('what a host gives of the rung %s is a mechanism or why not', (name, host, expected) => {
  expect(mechanismOf(name, host)).toEqual(expected);
});
