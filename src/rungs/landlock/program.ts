import type { Mechanism, Plan, PlannedMount } from '../../domain/plan.ts';
import { PR_SET_CHILD_SUBREAPER, SIGKILL, WNOHANG } from '../../syscall/constants.ts';
import {
  allowedRights,
  changingRights,
  fileRightsOnly,
  handledRights,
  movingRight,
  readingRight,
  scope,
} from '../../syscall/landlock.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Program, Slot } from '../../syscall/program.ts';
import { renderBase } from '../program/base.ts';
import { dropCapabilities, forbidNewPrivileges, installFilter, setLimits } from '../program/confine.ts';
import { allowOpen, allowPath, allowPaths, createRuleset, type PathRule, restrictSelf } from '../program/landlock.ts';
import { linkFolders } from '../program/links.ts';
import { joinNamespaces, openResolver, raiseLoopback, unshareNamespaces } from '../program/namespaces.ts';
import { renderRun, type Stages } from '../program/run.ts';
import { sweepGroup } from '../program/supervise.ts';

/** A plan for this rung. */
export type LandlockPlan = Plan & { readonly mechanism: Extract<Mechanism, { kind: 'landlock' }> };

/**
 * Renders a plan as the program of the landlock rung: the host's own root, where the kernel refuses what was not declared. Each
 * process has a Landlock domain inside its parent's: those of the supervisors keep signals in, the command's holds the rules, and
 * can't signal a supervisor.
 */
export const renderLandlockProgram = (plan: LandlockPlan, arch: Arch): Program => {
  const { abi, namespaces } = plan.mechanism;
  let resolver: Slot | undefined;
  return renderConfined(plan, arch, {
    outer: (program) => {
      if (namespaces) unshareNamespaces(program, plan, false);
      else adoptRun(program, abi);
    },
    prepare: (program) => {
      resolver = prepareNamespaces(program, plan);
      linkFolders(program, plan);
    },
    ...(plan.broker && { broker: { ownNetwork: namespaces, datagrams: () => resolver } }),
  });
};

/** Renders what the commands of one sandbox share: the links in its folders, and namespaces where there are some. */
export const renderLandlockBase = (plan: LandlockPlan, arch: Arch): Program =>
  renderBase(plan, arch, {
    outer: (program) => {
      if (plan.mechanism.namespaces) unshareNamespaces(program, plan, false);
      return prepareNamespaces(program, plan);
    },
    inner: (program) => linkFolders(program, plan),
  });

/** Renders a plan as the program of one command that joins such namespaces, if there are some, by these descriptors. */
export const renderLandlockCommand = (plan: LandlockPlan, arch: Arch, joined: readonly number[]): Program =>
  renderConfined(plan, arch, {
    joined,
    outer: (program) => {
      if (plan.mechanism.namespaces) joinNamespaces(program, plan, joined, false);
      else adoptRun(program, plan.mechanism.abi);
    },
    prepare: () => {},
    ...(plan.broker && { broker: { ownNetwork: plan.mechanism.namespaces } }),
  });

interface Preparation extends Pick<Stages, 'outer' | 'joined' | 'broker'> {
  /** in the inner supervisor, before anything is confined */
  readonly prepare: (program: Program) => void;
}

const renderConfined = (plan: LandlockPlan, arch: Arch, { prepare, ...stages }: Preparation): Program => {
  const { abi, namespaces } = plan.mechanism;
  let rules: Slot | undefined;
  return renderRun(plan, arch, {
    ...stages,
    inner: (program) => {
      prepare(program);
      rules = renderRules(program, plan);
      confine(program, plan, arch);
    },
    command: (program) => {
      program.goal = 'confine the command';
      if (rules) restrictSelf(program, rules);
      program.goal = `go to "${plan.cwd}"`;
      program.call('chdir', [program.string(plan.cwd)]);
    },
    ...(namespaces ? {} : abi >= 6 ? { sweep: sweepDomain, sweepOutside: sweepDomain } : { sweep: sweepGroup }),
  });
};

/** Raises the network of namespaces, if there are some; returns the socket at which names are asked, if any resolve there. */
const prepareNamespaces = (program: Program, plan: LandlockPlan): Slot | undefined => {
  if (!plan.mechanism.namespaces) return undefined;
  if (plan.network.mode !== 'full') raiseLoopback(program);
  const asksHere = plan.network.mode !== 'none' && plan.network.mode !== 'full';
  return plan.broker && asksHere ? openResolver(program) : undefined;
};

const confine = (program: Program, plan: LandlockPlan, arch: Arch): void => {
  const { abi, namespaces } = plan.mechanism;
  if (plan.user.uid === 0) program.call('setgroups', [0, 0], { onFailure: 'ignore' });
  setLimits(program, plan);
  dropCapabilities(program);
  forbidNewPrivileges(program);
  if (!namespaces) adoptRun(program, abi);
  const unbrokered = plan.network.mode === 'full' || namespaces ? 'internet' : 'none';
  const sockets = plan.broker && plan.network.mode !== 'full' ? 'brokered' : unbrokered;
  installFilter(program, arch, { userNamespaces: false, sockets, ownIpc: namespaces, ownPids: namespaces });
};

/**
 * Makes this process the one that orphans of the run come to, and puts it into a domain of its own whose scope keeps its signals in: its
 * kill(-1) reaches the run and nothing else. Both supervisors do so, so that the end of one leaves nothing behind.
 */
const adoptRun = (program: Program, abi: number): void => {
  program.goal = 'adopt the orphans of the command';
  program.call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0]);
  if (abi < 6) return;
  forbidNewPrivileges(program);
  program.goal = 'keep signals inside';
  // without a rule for it, a domain forbids moving a file to another directory as soon as one inside it has rules for files (EXDEV):
  // every layer is taken to handle REFER (security/landlock/ruleset.h, _LANDLOCK_ACCESS_FS_INITIALLY_DENIED)
  const ruleset = createRuleset(program, abi, { files: movingRight, scope: scope.SIGNAL });
  allowPath(program, ruleset, { path: '/', rights: movingRight });
  restrictSelf(program, ruleset);
};

/** The rules of the command's domain. */
const renderRules = (program: Program, plan: LandlockPlan): Slot => {
  const { abi } = plan.mechanism;
  program.goal = 'make the Landlock rules';
  const files = handledRights(abi);
  const ruleset = createRuleset(program, abi, { files, scope: scope.ABSTRACT_UNIX_SOCKET | scope.SIGNAL });
  allowPaths(
    program,
    ruleset,
    plan.mounts.flatMap((mount) => ruleOf(abi, mount)),
  );
  // by /dev/stdout and its kin, wherever the file lies that was handed over (proc_pid_fd(5))
  allowOpen(program, ruleset, 0, readingRight);
  for (const stream of [1, 2]) allowOpen(program, ruleset, stream, changingRights(abi) & fileRightsOnly);
  return ruleset;
};

const ruleOf = (abi: number, mount: PlannedMount): PathRule[] => {
  switch (mount.kind) {
    case 'bind': {
      const device = mount.why === 'device';
      return [{ path: mount.source, rights: allowedRights(abi, device ? 'device' : mount.access, mount.type) }];
    }
    case 'copy':
      return [{ path: mount.store, rights: allowedRights(abi, 'rw', mount.type) }];
    default:
      return [];
  }
};

/**
 * Kills every process that this one may signal, which by its domain's scope are those of the run, until none is left to wait for. No
 * fork escapes one kill(-1) (kernel/fork.c looks for signals under the lock that it takes); what is dead is reaped before the next.
 */
const sweepDomain = (program: Program): void => {
  const [kill, reap, done] = [program.here(), program.label(), program.label()];
  program.call('kill', [-1, SIGKILL], { onFailure: 'ignore' });
  program.call('wait4', [-1, 0, 0, 0], { onFailure: done });
  program.place(reap);
  program.jumpIfEqual(program.call('wait4', [-1, 0, WNOHANG, 0], { onFailure: done }), 0, kill);
  program.jump(reap);
  program.place(done);
};
