import type { Facts, ProtectedPath } from '../domain/facts.ts';
import { baseOf, isWithin } from '../domain/path.ts';
import type { Mechanism, Plan, PlannedMount } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import type { DeclaredMount } from '../domain/profile.ts';
import { type DeclaredOutcome, planDeclared } from './declared.ts';
import { homeInside, type Layout, planBase, planHostBase } from './layout.ts';

export interface MountQuestion {
  readonly declared: readonly DeclaredMount[];
  readonly facts: Facts;
  readonly network: Plan['network'];
  readonly broker: boolean;
  readonly trust?: Plan['trust'];
  readonly sandbox: Plan['sandbox'];
  readonly mechanism: Mechanism;
  readonly layout: Layout;
}

/**
 * All mounts in the order of mounting: a parent before what lies in it, and of two with one target only the later, where later is
 * base < HOME < toolchains < workspace < protected paths < declared.
 */
export const planMounts = (question: MountQuestion): { mounts: PlannedMount[]; problems: readonly Problem[] } => {
  const { facts, network, broker, sandbox, mechanism, layout } = question;
  const ownRoot = mechanism.kind === 'namespaces';
  const declared = planDeclared(question.declared, facts, `${sandbox.folder}/copies`);
  const placed = ownRoot ? declared : placeOnHost(declared, facts, layout, mechanism);
  const layers = [
    ownRoot ? planBase(facts, network, broker) : planHostBase(facts),
    ownRoot ? planHome(facts, sandbox, question.trust !== undefined) : planFolders(layout),
    question.trust ? [planTrust(question.trust)] : [],
    planTools(facts, layout),
    ownRoot ? planWritable(facts, declared.mounts) : [bindOnto(facts.workspace, 'dir', 'rw', 'workspace')],
    placed.mounts,
  ];
  const byTarget = new Map<string, PlannedMount>();
  for (const mount of layers.flat()) {
    const earlier = byTarget.get(mount.target);
    if (earlier?.why !== 'protected' || mount.why !== 'holds a protected path') byTarget.set(mount.target, mount);
  }
  return { mounts: sortByTarget([...byTarget.values()]), problems: placed.problems };
};

const planFolders = ({ home, temporary, tools }: Layout): PlannedMount[] => [
  bindOnto(home, 'dir', 'rw', 'HOME of this sandbox'),
  bindOnto(temporary, 'dir', 'rw', 'private'),
  bindOnto(tools, 'dir', 'ro', 'links to tools'),
];

/**
 * Without a mount namespace a path can only be shown where it is, and below HOME by a link from the sandbox's own. What can't is a
 * problem that names the target which would work.
 */
const placeOnHost = (
  declared: DeclaredOutcome,
  facts: Facts,
  { home }: Layout,
  mechanism: Mechanism,
): DeclaredOutcome => {
  const problems = [...declared.problems];
  const writable = [facts.workspace, ...declared.mounts.filter(isWritableBind).map(({ source }) => source)];
  const mounts = declared.mounts.flatMap((mount): PlannedMount[] => {
    if (mount.kind !== 'bind' && mount.kind !== 'copy') return [mount];
    const around = writable.find((tree) => isWithin(mount.source, tree) || isWithin(mount.target, tree));
    if (around !== undefined && (mount.kind === 'copy' || mount.access === 'ro')) {
      problems.push({
        message: `the ${mechanism.kind} rung can't keep "${mount.target}" from being changed: it lies in the writable "${around}" (${mount.why})`,
        hint: 'leave that mount out, or run where the namespaces rung works: sbox doctor',
      });
      return [];
    }
    const shown = mount.kind === 'bind' ? mount.source : mount.store;
    const here = { ...mount, target: shown };
    const inside = homeInside(facts);
    if (isWithin(mount.target, inside)) {
      const target = `${home}${mount.target.slice(inside.length)}`;
      return [here, { kind: 'link', target, text: shown, why: mount.why }];
    }
    if (mount.target === shown) return [here];
    const works = [...(mount.kind === 'bind' ? [mount.source] : []), `~/${baseOf(mount.target)}`];
    problems.push({
      message: `the ${mechanism.kind} rung can't show "${mount.source}" as "${mount.target}" (${mount.why})`,
      hint: `name ${works.map((target) => `"${target}"`).join(' or ')} as the target`,
    });
    return [];
  });
  return { mounts, problems };
};

/** Component-wise, so that "/a" comes before "/a/b" and that before "/a-b". */
const sortByTarget = (mounts: readonly PlannedMount[]): PlannedMount[] => {
  const keyed = mounts.map((mount) => ({ key: mount.target.replaceAll('/', '\0'), mount }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1)); // no two have the same target
  return keyed.map(({ mount }) => mount);
};

/** The certificates that tools inside have to trust. */
const planTrust = ({ source, inside }: NonNullable<Plan['trust']>): PlannedMount => ({
  kind: 'bind',
  source,
  target: inside,
  type: 'dir',
  access: 'ro',
  why: 'certificates of this run',
});

const planHome = (facts: Facts, sandbox: Plan['sandbox'], shown: boolean): PlannedMount[] => {
  const target = homeInside(facts);
  if (sandbox.ephemeral && !shown) return [{ kind: 'memory', target, mode: 0o700, why: 'HOME, forgotten at the end' }];
  return [
    { kind: 'bind', source: `${sandbox.folder}/home`, target, type: 'dir', access: 'rw', why: 'HOME of this sandbox' },
  ];
};

const planTools = (facts: Facts, { tools }: Layout): PlannedMount[] => [
  ...facts.tools.toolchains.map(
    ({ root, kind, why }): PlannedMount => ({
      kind: 'bind',
      source: root,
      target: root,
      type: kind,
      access: 'ro',
      why: `toolchain of ${why}`,
    }),
  ),
  ...facts.tools.links.map(
    ({ name, target }): PlannedMount => ({
      kind: 'link',
      target: `${tools}/${name}`,
      text: target,
      why: 'tool',
    }),
  ),
];

/**
 * The workspace, and the protected paths of all writable trees. A directory above such a path is mounted onto itself: a mount point
 * can't be renamed or removed, so that nobody inside can swap a protected path's parent for another. A writable mount declared for
 * exactly that path lifts its protection.
 */
const planWritable = (facts: Facts, declared: readonly PlannedMount[]): PlannedMount[] => [
  bindOnto(facts.workspace, 'dir', 'rw', 'workspace'),
  ...facts.protectedPaths.flatMap(({ root, existing }) => {
    const targets = declared
      .filter(isWritableBind)
      .filter(({ source }) => source === root)
      .map(({ target }) => target);
    if (root === facts.workspace) targets.push(root);
    return targets.flatMap((target) =>
      existing
        .filter(({ kind, path }) => kind !== 'link' && !isShadowed(path, { root, target }, declared))
        .flatMap((entry) => planProtected(root, target, entry)),
    );
  }),
];

type Bind = Extract<PlannedMount, { kind: 'bind' }>;

const isWritableBind = (mount: PlannedMount): mount is Bind => mount.kind === 'bind' && mount.access === 'rw';

/** True if a declared mount inside the tree shows something else there, or the same as writable. */
const isShadowed = (
  path: string,
  { root, target }: { readonly root: string; readonly target: string },
  declared: readonly PlannedMount[],
): boolean =>
  declared.some((mount) => {
    const place = `${target}/${path}`;
    if (mount.target === target || !isWithin(mount.target, target) || !isWithin(place, mount.target)) return false;
    const same = isWritableBind(mount) && mount.source === `${root}${mount.target.slice(target.length)}`;
    return mount.target === place || !same;
  });

const planProtected = (root: string, tree: string, { path, kind }: ProtectedPath): PlannedMount[] => {
  const bind = (relative: string, type: 'file' | 'dir', access: 'ro' | 'rw', why: string): PlannedMount => ({
    kind: 'bind',
    source: `${root}/${relative}`,
    target: `${tree}/${relative}`,
    type,
    access,
    why,
  });
  const names = path.split('/');
  const parents = names.slice(0, -1).map((_, depth) => names.slice(0, depth + 1).join('/'));
  return [
    ...parents.map((parent) => bind(parent, 'dir', 'rw', 'holds a protected path')),
    bind(path, kind === 'dir' ? 'dir' : 'file', 'ro', 'protected'),
  ];
};

const bindOnto = (path: string, type: 'file' | 'dir', access: 'ro' | 'rw', why: string): PlannedMount => ({
  kind: 'bind',
  source: path,
  target: path,
  type,
  access,
  why,
});
