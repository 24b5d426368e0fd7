import type { Facts, PathFact } from '../domain/facts.ts';
import { baseOf, isWithin, resolvePath } from '../domain/path.ts';
import type { PlannedMount } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import type { DeclaredMount } from '../domain/profile.ts';
import { homeInside, ownTargets, reserved } from './layout.ts';
import { sourceOf, targetOf } from './questions.ts';
import { hashText } from './sandbox.ts';

export interface DeclaredOutcome {
  readonly mounts: readonly PlannedMount[];
  readonly problems: readonly Problem[];
}

interface Candidate {
  readonly mount: DeclaredMount;
  readonly source: string;
  readonly target: string;
}

/** The declared mounts, the later one winning where two have the same target; every one that can't be is a problem. */
export const planDeclared = (declared: readonly DeclaredMount[], facts: Facts, copies: string): DeclaredOutcome => {
  const candidates = declared
    .map(
      (mount): Candidate => ({
        mount,
        source: sourceOf(mount, facts.home),
        target: targetOf(mount, facts.home, homeInside(facts)),
      }),
    )
    .filter(({ mount, source }) => !(mount.optional && isAbsent(facts.paths[source])));
  const writable = [
    facts.workspace,
    ...candidates.filter(({ mount }) => mount.mode === 'rw').map(({ source }) => realOf(facts.paths[source]) ?? source),
  ];
  const problems: Problem[] = [];
  const mounts = new Map<string, PlannedMount>();
  for (const candidate of candidates) {
    const problem = checkTarget(candidate, candidates, facts) ?? checkSource(candidate, facts, writable);
    if (problem) problems.push({ ...problem, message: `${problem.message} (${candidate.mount.origin})` });
    else mounts.set(candidate.target, planMount(candidate, facts, copies));
  }
  return { mounts: [...mounts.values()], problems };
};

const isAbsent = (fact: PathFact | undefined): boolean => fact?.kind === 'missing' && fact.errno === 'ENOENT';

const realOf = (fact: PathFact | undefined): string | undefined =>
  fact === undefined || fact.kind === 'missing' ? undefined : fact.real;

const planMount = ({ mount, source, target }: Candidate, facts: Facts, copies: string): PlannedMount => {
  const fact = facts.paths[source];
  const real = realOf(fact) ?? source;
  const type = fact?.kind === 'dir' ? 'dir' : 'file';
  const why = mount.origin;
  return mount.mode === 'copy'
    ? { kind: 'copy', source: real, store: `${copies}/${storeName(target)}`, target, type, why }
    : { kind: 'bind', source: real, target, type, access: mount.mode, why };
};

/** A name for a copy that tells its target apart from every other. */
const storeName = (target: string): string =>
  `${baseOf(target)
    .replace(/[^\w.-]/g, '_')
    .slice(0, 60)}-${hashText(target)}`;

const checkTarget = ({ target, source }: Candidate, all: readonly Candidate[], facts: Facts): Problem | undefined => {
  const reason = ownTargets.includes(target) ? target : reserved.find((folder) => isWithin(target, folder));
  if (reason !== undefined) {
    return {
      message: `cannot mount over "${target}": ${reason} is the sandbox's own`,
      hint: 'name a target elsewhere, such as /data',
    };
  }
  if (target === homeInside(facts)) {
    return {
      message: `cannot mount over "${target}": it is the sandbox's HOME`,
      hint: 'name what is needed below it, such as ~/.gitconfig:ro',
    };
  }
  const place = hostPathBelow(target, source, all, facts);
  if (place !== undefined && facts.paths[place]?.kind === 'missing') {
    return {
      message: `mount target "${target}" does not exist in the mount around it`,
      hint: `mkdir -p "${place}", or name a target elsewhere`,
    };
  }
  return undefined;
};

/** The host path that a target stands on if it lies in the workspace or in another declared mount. */
const hostPathBelow = (target: string, source: string, all: readonly Candidate[], facts: Facts): string | undefined => {
  const covers = all.filter((other) => other.target !== target && isWithin(target, other.target));
  const cover = covers.sort((a, b) => b.target.length - a.target.length)[0];
  if (cover) return resolvePath(cover.source, `.${target.slice(cover.target.length)}`);
  return target !== source && isWithin(target, facts.workspace) ? target : undefined;
};

const never = ['/', '/proc', '/sys', '/dev'];

const checkSource = ({ mount, source }: Candidate, facts: Facts, writable: readonly string[]): Problem | undefined => {
  const fact = facts.paths[source];
  if (fact === undefined || fact.kind === 'missing') return missingSource(source, fact?.errno ?? 'ENOENT');
  if (fact.kind === 'other')
    return {
      message: `mount source "${source}" is neither a file nor a directory`,
      hint: 'mount the directory that holds it',
    };
  const planted = fact.links.find((link) => writable.some((tree) => link !== tree && isWithin(link, tree)));
  if (planted !== undefined) {
    return {
      message: `mount source "${source}" leads through the symbolic link "${planted}" in a writable tree`,
      hint: `the link may have been planted; name what it points to: "${fact.real}"`,
    };
  }
  if (never.includes(fact.real))
    return {
      message: `cannot mount "${fact.real}": it shows the whole host`,
      hint: 'name the directories that are needed',
    };
  if (isWithin(facts.realHome, fact.real)) {
    return {
      message: `cannot mount "${source}": it holds the whole HOME`,
      hint: 'name what is needed below it, such as ~/.gitconfig:ro',
    };
  }
  const exposed = [facts.stateDir, facts.configDir, facts.codeDir].find(
    (folder) => isWithin(folder, fact.real) || isWithin(fact.real, folder),
  );
  if (mount.mode === 'rw' && exposed !== undefined) {
    return {
      message: `cannot mount "${source}" writable: sbox's own "${exposed}" lies there`,
      hint: 'mount it read-only, or mount another directory',
    };
  }
  return undefined;
};

const missingSource = (source: string, errno: string): Problem =>
  errno === 'EACCES'
    ? {
        message: `mount source "${source}" can't be reached: EACCES`,
        hint: 'check the permissions of the directories above it',
      }
    : {
        message: `mount source "${source}" does not exist`,
        hint: `check the spelling, or make it: mkdir -p "${source}"`,
      };
