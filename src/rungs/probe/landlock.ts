import type { Capabilities } from '../../domain/facts.ts';
import { AT_FDCWD, ERRNO, LANDLOCK_CREATE_RULESET_VERSION, O_CLOEXEC } from '../../syscall/constants.ts';
import { allowedRights, handledRights } from '../../syscall/landlock.ts';
import type { Arch } from '../../syscall/numbers.ts';
import type { CallOptions, Program, Slot } from '../../syscall/program.ts';
import { forbidNewPrivileges, installFilter } from '../program/confine.ts';
import { allowPath, createRuleset, restrictSelf } from '../program/landlock.ts';
import { answer, askKernel, refusalOf } from './ask.ts';

/**
 * The version of Landlock's interface, by being confined as a command of that rung is: rules, filter, restriction; then what is allowed
 * opens, and what is not is refused.
 */
export const probeLandlock = async (
  arch: Arch,
  executable: string,
): Promise<Pick<Capabilities, 'landlockAbi' | 'noLandlock'>> => {
  const end = await askKernel(arch, executable, (program) => {
    program.goal = 'use Landlock';
    answer(program, program.call('landlock_create_ruleset', [0, 0, LANDLOCK_CREATE_RULESET_VERSION]));
    confine(program, arch);
    program.goal = `open what Landlock allows`;
    openFolder(program, allowed);
    answer(program, openFolder(program, other, { onFailure: 'ignore' }));
  });
  if (end.kind !== 'answers') return { landlockAbi: 0, noLandlock: refusalOf(end) };
  const [landlockAbi = 0, opened] = end.answers;
  return opened === -ERRNO.EACCES ? { landlockAbi } : { landlockAbi: 0, noLandlock: ineffective };
};

/** Folders that every sandbox has, and that everyone can read. */
const [allowed, other] = ['/usr', '/proc'];

const confine = (program: Program, arch: Arch): void => {
  const [files, rights] = [handledRights(1), allowedRights(1, 'ro', 'dir')];
  openFolder(program, other);
  forbidNewPrivileges(program);
  program.goal = 'make the Landlock rules';
  const rules = createRuleset(program, 1, { files, scope: 0 });
  allowPath(program, rules, { path: allowed, rights });
  installFilter(program, arch, { userNamespaces: false, sockets: 'brokered', ownIpc: false, ownPids: false });
  program.goal = 'confine the command';
  restrictSelf(program, rules);
};

const openFolder = (program: Program, path: string, options?: CallOptions): Slot =>
  program.call('openat', [AT_FDCWD, program.string(path), O_CLOEXEC, 0], options);

const ineffective = {
  message: "Landlock doesn't confine",
  cause: 'what no rule allows could be opened all the same',
  fix: 'use another kernel; sbox doctor shows what works here',
} as const;
