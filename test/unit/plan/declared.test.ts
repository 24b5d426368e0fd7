import { describe, expect, test } from 'vitest';
import { SboxError } from '../../../src/domain/errors.ts';
import type { Facts, PathFact } from '../../../src/domain/facts.ts';
import type { DeclaredMount } from '../../../src/domain/profile.ts';
import { planDeclared } from '../../../src/plan/declared.ts';
import { planRun } from '../../../src/plan/plan.ts';
import { declaredPaths, sourceOf, targetOf } from '../../../src/plan/questions.ts';
import { aMount, anInvocation, aProfile, facts, plainPaths } from '../../support/plan-builders.ts';

const copies = '/state/copies';
const problemsOf = (declared: readonly DeclaredMount[], changes: Partial<Facts> = {}): string[] =>
  planDeclared(declared, facts(changes), copies).problems.map(({ message, hint }) => `${message} | ${hint}`);

const dirs = (...paths: string[]): Partial<Facts> => ({
  paths: plainPaths(Object.fromEntries(paths.map((path) => [path, 'dir']))),
});

describe('what can be mounted', () => {
  test('a source is found from its base, from HOME, or as it is', () => {
    const home = '/home/ann';
    expect(
      ['fixtures', './a/../b', '../x', '~', '~/.cache', '~x', '/srv//data/', '.'].map((source) =>
        sourceOf(aMount(source), home),
      ),
    ).toEqual([
      '/home/ann/work/fixtures',
      '/home/ann/work/b',
      '/home/ann/x',
      '/home/ann',
      '/home/ann/.cache',
      '/home/ann/work/~x',
      '/srv/data',
      '/home/ann/work',
    ]);
  });

  test('a target is its source, unless it is named', () => {
    expect(
      [aMount('a'), aMount('a', 'ro', '/data/'), aMount('a', 'ro', '~/b')].map((m) => targetOf(m, '/home/ann')),
    ).toEqual(['/home/ann/work/a', '/data', '/home/ann/b']);
  });

  test.each<[string, string, string | undefined, string]>([
    ['/', '~/.npmrc', undefined, '/home/ann/.npmrc'],
    ['/', '/.npmrc', undefined, '/home/ann/.npmrc'],
    ['/', '/srv/data', '~/data/x', '/home/ann/data/x'],
    ['/', '/srv/data', '/.data', '/home/ann/.data'],
    ['/', '/srv/data', '/data', '/data'],
    ['/', '/srv/data', undefined, '/srv/data'],
    ['/', '~', undefined, '/home/ann'],
    ['/tmp', '~/data', undefined, '/home/ann/data'],
    ['/tmp', '/tmp/.npmrc', undefined, '/home/ann/.npmrc'],
    ['/tmp', '/tmp/data', undefined, '/tmp/data'],
    ['/tmp', '/tmpfile', undefined, '/tmpfile'],
    ['/tmp', '~', undefined, '/home/ann'],
  ])('where HOME is %s and /home/ann inside, %s:%s is shown at %s', (home, source, target, expected) => {
    expect(targetOf(aMount(source, 'ro', target), home, '/home/ann')).toBe(expected);
  });

  test('a source is mounted from its real path', () => {
    const fact: PathFact = { kind: 'dir', real: '/mnt/big', links: ['/srv/data'] };
    expect(planDeclared([aMount('/srv/data', 'rw')], facts({ paths: { '/srv/data': fact } }), copies)).toEqual({
      mounts: [{ kind: 'bind', source: '/mnt/big', target: '/srv/data', type: 'dir', access: 'rw', why: '--mount' }],
      problems: [],
    });
  });

  test('two copies of one base name have stores of their own', () => {
    const { mounts } = planDeclared(
      [aMount('/a/x', 'copy'), aMount('/b/x', 'copy')],
      facts(dirs('/a/x', '/b/x')),
      copies,
    );
    const stores = mounts.map((mount) => (mount.kind === 'copy' ? mount.store : ''));
    expect(new Set(stores).size).toBe(2);
    for (const store of stores) expect(store).toMatch(/^\/state\/copies\/x-[0-9a-f]{16}$/);
  });

  test('a name as long as a name can be has a store with a name that is not too long', () => {
    const path = `/a/${'n'.repeat(255)}`;
    const { mounts } = planDeclared([aMount(path, 'copy')], facts(dirs(path)), copies);
    const store = mounts[0]?.kind === 'copy' ? mounts[0].store : '';
    expect(Buffer.byteLength(store.slice(store.lastIndexOf('/') + 1))).toBeLessThan(200);
  });

  test('so has a name of 255 bytes that is not ASCII', () => {
    const path = `/a/${'x'.repeat(3)}${'😀'.repeat(63)}`;
    const { mounts } = planDeclared([aMount(path, 'copy')], facts(dirs(path)), copies);
    const store = mounts[0]?.kind === 'copy' ? mounts[0].store : '';
    const name = store.slice(store.lastIndexOf('/') + 1);
    expect(Buffer.from(name).toString()).toBe(name); // no half of a character
    expect(Buffer.byteLength(`${name}.partial`)).toBeLessThanOrEqual(255);
  });
});

describe('an optional mount', () => {
  test('is left out where its source does not exist', () => {
    const paths = plainPaths({ '/none': 'missing' });
    const outcome = planDeclared([{ ...aMount('/none'), optional: true }], facts({ paths }), copies);
    expect(outcome).toEqual({ mounts: [], problems: [] });
  });

  test('is a mount like any other where it does', () => {
    const outcome = planDeclared([{ ...aMount('/data'), optional: true }], facts(dirs('/data')), copies);
    expect(outcome).toEqual(planDeclared([aMount('/data')], facts(dirs('/data')), copies));
    expect(outcome.mounts.length).toBe(1);
  });
});

describe('what can not', () => {
  test.each<[string, DeclaredMount, Partial<Facts>, string]>([
    [
      'a source that is missing',
      aMount('/none'),
      { paths: plainPaths({ '/none': 'missing' }) },
      'mount source "/none" does not exist (--mount) | check the spelling, or make it: mkdir -p "/none"',
    ],
    [
      'a source that nobody looked at',
      aMount('/none'),
      {},
      'mount source "/none" does not exist (--mount) | check the spelling, or make it: mkdir -p "/none"',
    ],
    [
      'a source that can not be reached',
      aMount('/secret/x'),
      { paths: { '/secret/x': { kind: 'missing', errno: 'EACCES', links: [] } } },
      'mount source "/secret/x" can\'t be reached: EACCES (--mount) | check the permissions of the directories above it',
    ],
    [
      'a socket',
      aMount('/run/docker.sock'),
      { paths: plainPaths({ '/run/docker.sock': 'other' }) },
      'mount source "/run/docker.sock" is neither a file nor a directory (--mount) | mount the directory that holds it',
    ],
    [
      'the root',
      aMount('/', 'ro', '/host'),
      dirs('/'),
      'cannot mount "/": it shows the whole host (--mount) | name the directories that are needed',
    ],
    [
      '/proc elsewhere',
      aMount('/proc', 'ro', '/host-proc'),
      dirs('/proc'),
      'cannot mount "/proc": it shows the whole host (--mount) | name the directories that are needed',
    ],
    [
      'a link to /dev',
      aMount('/d', 'ro'),
      { paths: { '/d': { kind: 'dir', real: '/dev', links: ['/d'] } } },
      'cannot mount "/dev": it shows the whole host (--mount) | name the directories that are needed',
    ],
    [
      'HOME',
      aMount('~'),
      dirs('/home/ann'),
      'cannot mount over "/home/ann": it is the sandbox\'s HOME (--mount) | name what is needed below it, such as ~/.gitconfig:ro',
    ],
    [
      'HOME elsewhere',
      aMount('~', 'ro', '/real-home'),
      dirs('/home/ann'),
      'cannot mount "/home/ann": it holds the whole HOME (--mount) | name what is needed below it, such as ~/.gitconfig:ro',
    ],
    [
      'a directory that holds HOME',
      aMount('/home', 'ro', '/homes'),
      dirs('/home'),
      'cannot mount "/home": it holds the whole HOME (--mount) | name what is needed below it, such as ~/.gitconfig:ro',
    ],
    [
      'something over HOME',
      aMount('/srv', 'ro', '/home/ann'),
      dirs('/srv'),
      'cannot mount over "/home/ann": it is the sandbox\'s HOME (--mount) | name what is needed below it, such as ~/.gitconfig:ro',
    ],
    [
      'the state directory, writable',
      aMount('~/.local/state/sbox', 'rw'),
      dirs('/home/ann/.local/state/sbox'),
      'cannot mount "/home/ann/.local/state/sbox" writable: sbox\'s own "/home/ann/.local/state/sbox" lies there (--mount) | mount it read-only, or mount another directory',
    ],
    [
      'a directory around the state directory, writable',
      aMount('~/.local', 'rw'),
      dirs('/home/ann/.local'),
      'cannot mount "/home/ann/.local" writable: sbox\'s own "/home/ann/.local/state/sbox" lies there (--mount) | mount it read-only, or mount another directory',
    ],
    [
      "a part of sbox's code, writable",
      aMount('/usr/lib/node_modules/sbox/dist', 'rw'),
      dirs('/usr/lib/node_modules/sbox/dist'),
      'cannot mount "/usr/lib/node_modules/sbox/dist" writable: sbox\'s own "/usr/lib/node_modules/sbox" lies there (--mount) | mount it read-only, or mount another directory',
    ],
    [
      'a target that does not exist in the workspace',
      aMount('/srv/data', 'ro', '/home/ann/work/data'),
      { paths: plainPaths({ '/srv/data': 'dir', '/home/ann/work/data': 'missing' }) },
      'mount target "/home/ann/work/data" does not exist in the mount around it (--mount) | mkdir -p "/home/ann/work/data", or name a target elsewhere',
    ],
  ])('%s', (_, mount, changes, problem) => {
    expect(problemsOf([mount], changes)).toEqual([problem]);
  });

  test.each([
    ...['/', '/etc', '/usr', '/bin', '/sbin', '/lib', '/lib64', '/tmp', '/run', '/var', '/var/tmp', '/home'],
    ...['/proc', '/proc/self', '/dev', '/dev/shm', '/sys', '/sys/fs', '/sbox', '/sbox/bin'],
  ])('anything over %s', (target) => {
    const [problem] = problemsOf([aMount('/srv', 'ro', target)], dirs('/srv'));
    expect(problem).toMatch(new RegExp(`^cannot mount over "${target}": /\\w*(/tmp)? is the sandbox's own`));
  });

  test.each(['/tmp/x', '/etc/x', '/usr/local/share/x', '/run/x', '/opt', '/devices', '/home/ann/x'])(
    'but something at %s can',
    (target) => expect(problemsOf([aMount('/srv', 'ro', target)], dirs('/srv'))).toEqual([]),
  );

  test('read-only, the state directory can be seen', () => {
    expect(problemsOf([aMount('~/.local/state/sbox')], dirs('/home/ann/.local/state/sbox'))).toEqual([]);
  });

  test('a target in another mount must exist in its source', () => {
    const mounts = [aMount('/srv', 'ro', '/data'), aMount('/other', 'ro', '/data/in/it')];
    const paths = plainPaths({ '/srv': 'dir', '/other': 'dir', '/srv/in/it': 'missing' });
    expect(problemsOf(mounts, { paths })).toEqual([
      'mount target "/data/in/it" does not exist in the mount around it (--mount) | mkdir -p "/srv/in/it", or name a target elsewhere',
    ]);
    expect(problemsOf(mounts, { paths: { ...paths, ...plainPaths({ '/srv/in/it': 'dir' }) } })).toEqual([]);
    expect(declaredPaths(aProfile({ mounts }), anInvocation(), {}, '/home/ann')).toContain('/srv/in/it');
  });

  test('every problem at once, each with where it was declared', () => {
    const act = () =>
      planRun(
        aProfile({ mounts: [aMount('/none', 'ro', undefined, '/w/sbox.json:2:3')] }),
        anInvocation({ mounts: [aMount('/srv', 'ro', '/proc'), aMount('~')] }),
        facts(dirs('/srv', '/home/ann')),
      );
    expect(act).toThrow(SboxError);
    try {
      act();
    } catch (error) {
      const { code, exitCode, problems } = error as SboxError;
      expect({ code, exitCode, messages: problems.map(({ message }) => message) }).toEqual({
        code: 'SBOX_E_MOUNT',
        exitCode: 2,
        messages: [
          'mount source "/none" does not exist (/w/sbox.json:2:3)',
          'cannot mount over "/proc": /proc is the sandbox\'s own (--mount)',
          'cannot mount over "/home/ann": it is the sandbox\'s HOME (--mount)',
        ],
      });
    }
  });
});

describe('links in writable trees', () => {
  const linked = (link: string): Facts['paths'] => ({
    '/home/ann/work/data': { kind: 'dir', real: '/srv/data', links: [link] },
  });

  test('a link in the workspace may have been planted', () => {
    expect(problemsOf([aMount('data')], { paths: linked('/home/ann/work/data') })).toEqual([
      'mount source "/home/ann/work/data" leads through the symbolic link "/home/ann/work/data" in a writable tree (--mount) | the link may have been planted; name what it points to: "/srv/data"',
    ]);
  });

  test("a link above the workspace is the operator's", () => {
    expect(problemsOf([aMount('data')], { paths: linked('/home/ann') })).toEqual([]);
    expect(problemsOf([aMount('data')], { paths: linked('/home/ann/work') })).toEqual([]);
  });

  test('a link in another writable mount counts too, also where that is itself reached through a link', () => {
    const paths: Facts['paths'] = {
      '/pub': { kind: 'dir', real: '/mnt/pub', links: ['/pub'] },
      '/pub/x': { kind: 'dir', real: '/root', links: ['/pub', '/mnt/pub/x'] },
    };
    const x = aMount('/pub/x');
    expect(problemsOf([x, aMount('/pub', 'ro')], { paths })).toEqual([]);
    expect(problemsOf([x, aMount('/pub', 'rw')], { paths })).toEqual([
      expect.stringContaining('leads through the symbolic link "/mnt/pub/x" in a writable tree'),
    ]);
  });
});

test('the paths to look at are sources, targets and the values of variables that name paths', () => {
  const profile = aProfile({
    mounts: [aMount('~/.gitconfig'), aMount('/srv', 'ro', '/data')],
    env: { pass: [], passIfVisible: ['CERT', 'REL', 'UNSET'], set: {} },
  });
  const invocation = anInvocation({ mounts: [aMount('x', 'copy')] });
  const env = { CERT: '/etc/ssl//a.pem', REL: 'relative' };
  expect([...declaredPaths(profile, invocation, env, '/home/ann')].sort()).toEqual([
    '/data',
    '/etc/ssl/a.pem',
    '/home/ann/.gitconfig',
    '/home/ann/work/x',
    '/srv',
  ]);
});
