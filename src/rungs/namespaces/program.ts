import { changingRights, fileRightsOnly, scope } from '../../syscall/landlock.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Program, Slot } from '../../syscall/program.ts';
import { dropCapabilities, forbidNewPrivileges, installFilter, setLimits } from '../program/confine.ts';
import { allowOpen, allowPaths, createRuleset, restrictSelf } from '../program/landlock.ts';
import { openResolver, raiseLoopback, unshareNamespaces } from '../program/namespaces.ts';
import { renderRun } from '../program/run.ts';
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
      resolver = enterSandbox(program, plan, host);
    },
    command: () => {},
    ...(plan.broker && { broker: { ownNetwork: true, datagrams: () => resolver } }),
  });
};

/** Returns the socket to which the names are asked of, if any resolve. */
const enterSandbox = (program: Program, plan: NamespacePlan, host: NamespaceHost): Slot | undefined => {
  const ownNetwork = plan.network.mode !== 'full';
  // rootless Podman's filter refuses it: the container's name shows then, which tells no more than the container
  const name = [program.string(plan.hostname), Buffer.byteLength(plan.hostname)] as const;
  program.call('sethostname', name, { onFailure: 'ignore' });
  if (ownNetwork) raiseLoopback(program);
  const resolver = plan.broker && plan.network.mode !== 'none' ? openResolver(program) : undefined;
  const root = buildRoot(program, plan, host.scaffold);
  enterRoot(program, root, plan.cwd, plan.mechanism);
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
  return resolver;
};

/**
 * What namespaces alone leave open, by Landlock (landlock(7)): a file that was handed over as standard input can't be opened again for
 * writing, and the host's abstract unix sockets can't be reached where its network is shared. Left out where the command may make
 * user namespaces, since Landlock forbids mounting in them.
 */
const guard = (program: Program, abi: number, ownNetwork: boolean): void => {
  program.goal = 'guard the standard streams';
  const files = changingRights(abi);
  const ruleset = createRuleset(program, abi, { files, scope: ownNetwork ? 0 : scope.ABSTRACT_UNIX_SOCKET });
  allowPaths(program, ruleset, [{ path: '/', rights: files }]);
  for (const stream of [1, 2]) allowOpen(program, ruleset, stream, files & fileRightsOnly);
  restrictSelf(program, ruleset);
};
