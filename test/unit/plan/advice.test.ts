import { describe, expect, test } from 'vitest';
import type { Capabilities } from '../../../src/domain/facts.ts';
import { bareNetwork } from '../../../src/domain/network.ts';
import type { Property } from '../../../src/domain/property.ts';
import { steps } from '../../../src/domain/steps.ts';
import { planAdvice } from '../../../src/plan/advice.ts';
import { planProperties } from '../../../src/plan/properties.ts';
import { planMechanism } from '../../../src/plan/rung.ts';
import { capabilities } from '../../support/plan-builders.ts';

const refused = { message: 'no namespaces', cause: 'a setting', fix: 'change the setting' };
const noLandlock = { message: 'no Landlock', cause: 'an old kernel', fix: 'boot another kernel' };
const everything = { listener: true };
const noNamespaces = { ...everything, namespaces: refused, bareNamespaces: false };

/** What is advised where this is to be had, and what is weak there. */
const advise = (changes: Partial<Capabilities>, place: { readonly inside?: true; readonly maskedProc?: true } = {}) => {
  const found = capabilities(changes);
  const { inside = false, maskedProc = false } = place;
  const mechanism = planMechanism(undefined, found, inside);
  const shape = {
    mechanism,
    network: bareNetwork('limited'),
    limits: {},
    user: { uid: 1000, gid: 1000, kernelRoot: false },
    userNamespaces: false,
    broker: found.listener && mechanism.kind !== 'portable',
    hidePaths: false,
  };
  const properties = planProperties(shape, { capabilities: found, protectedPaths: [] });
  const advice = planAdvice({ properties, mechanism, capabilities: found, inside, maskedProc });
  return { advice, weak: properties.filter(({ status }) => status !== 'enforced').map(({ name }: Property) => name) };
};

describe('what would give more', () => {
  test.each<[string, Partial<Capabilities>, { inside?: true; maskedProc?: true }, readonly [string, string][]]>([
    ['all is enforced', everything, {}, []],
    ['namespaces are refused', noNamespaces, {}, [['hide write process', refused.fix]]],
    [
      'they are refused in a container that masks /proc',
      noNamespaces,
      { maskedProc: true },
      [
        ['hide write process', refused.fix],
        ['process', `beside that, ${steps.showProc}`],
      ],
    ],
    [
      'a container masks /proc',
      { ...everything, namespaces: { root: 'pivot', proc: 'host' } },
      { maskedProc: true },
      [['process', steps.showProc]],
    ],
    ['nobody may listen to calls', { listener: false }, {}, [['sockets', expect.stringContaining(steps.allowCalls)]]],
    [
      'Landlock is refused, too',
      { ...noNamespaces, landlockAbi: 0, noLandlock },
      {},
      [
        ['hide read write network sockets process tty', refused.fix],
        ['read network sockets tty', noLandlock.fix],
      ],
    ],
    [
      'it is inside another sandbox',
      { ...noNamespaces, listener: false },
      { inside: true, maskedProc: true },
      [['hide write process', steps.leaveSandbox]],
    ],
  ])('where %s', (_, changes, place, expected) => {
    const { advice, weak } = advise(changes, place);
    expect(advice.map(({ properties, step }) => [properties.join(' '), step])).toEqual(expected);
    expect(weak.filter((name) => !advice.some(({ properties }) => properties.includes(name)))).toEqual([]);
  });
});
