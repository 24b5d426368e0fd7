import type { Facts } from '../domain/facts.ts';
import { isWithin, parentOf } from '../domain/path.ts';
import type { Plan, PlannedMount } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import type { DeclaredMount } from '../domain/profile.ts';
import { planDeclared } from './declared.ts';
import { homeInside, planBase, toolsFolder } from './layout.ts';

export interface MountQuestion {
  readonly declared: readonly DeclaredMount[];
  readonly facts: Facts;
  readonly network: Plan['network'];
  readonly sandbox: Plan['sandbox'];
}

/**
 * All mounts in the order of mounting: a parent before what lies in it, and of two with one target only the later, where later is
 * base < HOME < toolchains < workspace < protected paths < declared.
 */
export const planMounts = (question: MountQuestion): { mounts: PlannedMount[]; problems: readonly Problem[] } => {
  const { facts, network, sandbox } = question;
  const declared = planDeclared(question.declared, facts, `${sandbox.folder}/copies`);
  const byTarget = new Map<string, PlannedMount>();
  const layers = [
    planBase(facts, network),
    planHome(facts, sandbox),
    planTools(facts),
    planWorkspace(facts, declared.mounts),
    declared.mounts,
  ];
  for (const mount of layers.flat()) byTarget.set(mount.target, mount);
  const mounts = [...byTarget.values()].sort((a, b) => compareTargets(a.target, b.target));
  return { mounts, problems: declared.problems };
};

/** Component-wise, so that "/a" comes before "/a/b" and that before "/a-b". */
const compareTargets = (a: string, b: string): number => {
  const [left, right] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')];
  return left < right ? -1 : left > right ? 1 : 0;
};

const planHome = (facts: Facts, sandbox: Plan['sandbox']): PlannedMount[] => {
  const target = homeInside(facts);
  if (sandbox.ephemeral) return [{ kind: 'memory', target, mode: 0o700, why: 'HOME, forgotten at the end' }];
  return [
    { kind: 'bind', source: `${sandbox.folder}/home`, target, type: 'dir', access: 'rw', why: 'HOME of this sandbox' },
  ];
};

const planTools = (facts: Facts): PlannedMount[] => [
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
      target: `${toolsFolder}/${name}`,
      text: target,
      why: 'tool',
    }),
  ),
];

/**
 * The workspace and its protected paths. A directory between the two is mounted onto itself: a mount point can't be renamed or
 * removed, so that nobody inside can swap a protected path's parent for another. A declared writable mount lifts the protection.
 */
const planWorkspace = (facts: Facts, declared: readonly PlannedMount[]): PlannedMount[] => {
  const { workspace } = facts;
  const lifted = new Set(
    declared.filter((mount) => mount.kind !== 'bind' || mount.access === 'rw').map(({ target }) => target),
  );
  const planned: PlannedMount[] = [bindOnto(workspace, 'dir', 'rw', 'workspace')];
  for (const { path, kind } of facts.protectedPaths.existing) {
    const target = `${workspace}/${path}`;
    if (kind === 'link' || lifted.has(target)) continue;
    for (
      let parent = parentOf(target);
      parent !== workspace && isWithin(parent, workspace);
      parent = parentOf(parent)
    ) {
      if (!planned.some((mount) => mount.target === parent))
        planned.push(bindOnto(parent, 'dir', 'rw', 'holds a protected path'));
    }
    planned.push(bindOnto(target, kind, 'ro', 'protected'));
  }
  return planned;
};

const bindOnto = (path: string, type: 'file' | 'dir', access: 'ro' | 'rw', why: string): PlannedMount => ({
  kind: 'bind',
  source: path,
  target: path,
  type,
  access,
  why,
});
