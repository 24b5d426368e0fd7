import { scope } from '../../syscall/landlock.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { Program } from '../../syscall/program.ts';
import { dropCapabilities, forbidNewPrivileges, installFilter, setLimits } from '../program/confine.ts';
import { createRuleset, restrictSelf } from '../program/landlock.ts';
import { raiseLoopback, unshareNamespaces } from '../program/namespaces.ts';
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
export const renderNamespaceProgram = (plan: NamespacePlan, host: NamespaceHost): Program =>
  renderRun(plan, host.arch, {
    outer: (program) => unshareNamespaces(program, plan, true),
    inner: (program) => enterSandbox(program, plan, host),
    command: () => {},
  });

const enterSandbox = (program: Program, plan: NamespacePlan, host: NamespaceHost): void => {
  const ownNetwork = plan.network.mode !== 'full';
  // rootless Podman's filter refuses it: the container's name shows then, which tells no more than the container
  const name = [program.string(plan.hostname), Buffer.byteLength(plan.hostname)] as const;
  program.call('sethostname', name, { onFailure: 'ignore' });
  if (ownNetwork) raiseLoopback(program);
  const root = buildRoot(program, plan, host.scaffold);
  enterRoot(program, root, plan.cwd, plan.mechanism);
  setLimits(program, plan.limits);
  dropCapabilities(program);
  forbidNewPrivileges(program);
  if (!ownNetwork && host.landlockAbi >= 6) scopeAbstractSockets(program, host.landlockAbi);
  installFilter(program, host.arch, { userNamespaces: plan.userNamespaces, sockets: 'all', ipc: true });
};

/** Keeps the host's abstract unix sockets out of reach where its network is shared (landlock(7)). */
const scopeAbstractSockets = (program: Program, abi: number): void => {
  program.goal = 'scope abstract unix sockets';
  restrictSelf(program, createRuleset(program, abi, { files: 0, scope: scope.ABSTRACT_UNIX_SOCKET }));
};
