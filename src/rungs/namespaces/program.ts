import { AT_FDCWD, F_GETFL, O_ACCMODE, O_RDWR, PIPEFS_MAGIC } from '../../syscall/constants.ts';
import { changingRights, fileRightsOnly, scope } from '../../syscall/landlock.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Label, Program, Slot } from '../../syscall/program.ts';
import { renderBase } from '../program/base.ts';
import { dropCapabilities, forbidNewPrivileges, installFilter, setLimits } from '../program/confine.ts';
import { allowOpen, allowPaths, createRuleset, restrictSelf } from '../program/landlock.ts';
import { joinNamespaces, openResolver, raiseLoopback, unshareNamespaces } from '../program/namespaces.ts';
import { openPath } from '../program/open-path.ts';
import { renderRun } from '../program/run.ts';
import { TargetTree } from '../program/targets.ts';
import { mountProc } from './kernel-files.ts';
import type { NamespacePlan } from './plan.ts';
import { buildRoot, enterRoot } from './root.ts';

export interface NamespaceHost {
  readonly arch: Arch;
  readonly landlockAbi: number;
  /** an existing directory over which the new root is put together; hidden afterwards */
  readonly scaffold: string;
}

/** Renders a plan as the program of the namespaces rung: a root of declared mounts in namespaces of its own. */
export const renderNamespaceProgram = (plan: NamespacePlan, host: NamespaceHost): Program => {
  let resolver: Slot | undefined;
  return renderRun(plan, host.arch, {
    outer: (program) => unshareNamespaces(program, plan, true),
    inner: (program) => {
      resolver = prepareNamespaces(program, plan);
      enterRoot(program, buildRoot(program, plan, host.scaffold), plan.cwd, plan.mechanism);
      confine(program, plan, host);
    },
    command: () => {},
    ...(plan.broker && { broker: { ownNetwork: true, datagrams: () => resolver } }),
  });
};

/** Renders what the commands of one sandbox share: the namespaces, and the root in one of them. */
export const renderNamespaceBase = (plan: NamespacePlan, host: NamespaceHost): Program =>
  renderBase(plan, host.arch, {
    outer: (program) => {
      unshareNamespaces(program, plan, true);
      return prepareNamespaces(program, plan);
    },
    inner: (program) => enterRoot(program, buildRoot(program, plan, host.scaffold), '/', plan.mechanism),
  });

/** Renders a plan as the program of one command that joins such namespaces by these descriptors. */
export const renderNamespaceCommand = (
  plan: NamespacePlan,
  host: Omit<NamespaceHost, 'scaffold'>,
  joined: readonly number[],
): Program => {
  const ownProc = plan.mechanism.proc === 'fresh';
  return renderRun(plan, host.arch, {
    joined,
    outer: (program) => joinNamespaces(program, plan, joined, ownProc),
    inner: (program) => {
      if (ownProc) mountOwnProc(program, plan);
      program.goal = `go to "${plan.cwd}"`;
      program.call('chdir', [program.string(plan.cwd)]);
      confine(program, plan, host);
    },
    command: () => {},
    ...(plan.broker && { broker: { ownNetwork: true } }),
  });
};

/** Names the host and raises the network; returns the socket at which names are asked, if any resolve. */
const prepareNamespaces = (program: Program, plan: NamespacePlan): Slot | undefined => {
  // rootless Podman's filter refuses it: the container's name shows then, which tells no more than the container
  const name = [program.string(plan.hostname), Buffer.byteLength(plan.hostname)] as const;
  program.call('sethostname', name, { onFailure: 'ignore' });
  if (plan.network.mode !== 'full') raiseLoopback(program);
  return plan.broker && plan.network.mode !== 'none' ? openResolver(program) : undefined;
};

const confine = (program: Program, plan: NamespacePlan, host: Omit<NamespaceHost, 'scaffold'>): void => {
  const ownNetwork = plan.network.mode !== 'full';
  setLimits(program, plan);
  dropCapabilities(program);
  forbidNewPrivileges(program);
  if (host.landlockAbi >= 2 && !plan.userNamespaces) guard(program, host.landlockAbi, ownNetwork);
  installFilter(program, host.arch, {
    userNamespaces: plan.userNamespaces,
    sockets: plan.broker ? 'brokered' : 'all',
    ownIpc: true,
    ownPids: true,
  });
};

/** The /proc of this command's processes, over that of the base, whose processes are gone. */
const mountOwnProc = (program: Program, plan: NamespacePlan): void => {
  program.goal = 'mount "/proc"';
  const root = openPath(program, AT_FDCWD, '/');
  mountProc(program, new TargetTree(program, root), '/proc', plan);
  program.call('close', [root]);
};

/**
 * What namespaces alone leave open, by Landlock (landlock(7)): a file that was handed over as standard input can't be opened again for
 * writing, and the host's abstract unix sockets can't be reached where its network is shared. Left out where the command may make
 * user namespaces, since Landlock forbids mounting in them; and where nothing is left open, since with it every file that is opened costs
 * a walk up to the root.
 */
const guard = (program: Program, abi: number, ownNetwork: boolean): void => {
  program.goal = 'guard the standard streams';
  const done = program.label();
  if (ownNetwork) skipUnlessFile(program, done);
  const files = changingRights(abi);
  const ruleset = createRuleset(program, abi, { files, scope: ownNetwork ? 0 : scope.ABSTRACT_UNIX_SOCKET });
  allowPaths(program, ruleset, [{ path: '/', rights: files }]);
  for (const stream of [1, 2]) allowOpen(program, ruleset, stream, files & fileRightsOnly);
  restrictSelf(program, ruleset);
  program.place(done);
};

/** Goes on at `skip` if standard input is closed, can be written to as it is (a terminal, a socket), or is a pipe without a name. */
const skipUnlessFile = (program: Program, skip: Label): void => {
  const flags = program.call('fcntl', [0, F_GETFL, 0], { onFailure: skip });
  program.jumpIfEqual(program.and(flags, O_ACCMODE), O_RDWR, skip);
  const facts = program.words(new Array<number>(15).fill(0)); // struct statfs, which begins with the type
  program.call('fstatfs', [0, facts]);
  program.jumpIfEqual(program.valueAt(facts), PIPEFS_MAGIC, skip);
};
