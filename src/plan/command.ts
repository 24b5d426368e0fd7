import type { Facts } from '../domain/facts.ts';
import type { Invocation } from '../domain/invocation.ts';
import { isWithin, resolvePath } from '../domain/path.ts';
import type { PlannedCommand } from '../domain/plan.ts';
import type { Profile } from '../domain/profile.ts';

/** The user's shell if the sandbox has it, else /bin/sh. */
export const planShell = (facts: Facts): string => {
  const { shell } = facts.user;
  const visible =
    facts.system.some(({ path }) => isWithin(shell, path)) ||
    facts.tools.toolchains.some(({ root }) => isWithin(shell, root));
  return visible ? shell : '/bin/sh';
};

/** What is executed: the invocation's command, else the profile's, else the shell, with the paths to try for it. */
export const planCommand = (
  profile: Profile,
  invocation: Invocation,
  facts: Facts,
  shell: string,
  path: string,
): PlannedCommand => {
  const chosen = [invocation.command, profile.command, [shell]].find((command) => command.length > 0);
  const argv = chosen as unknown as PlannedCommand['argv'];
  const [name] = argv;
  const typed = planCandidates(name, facts.cwd, path);
  // the host's own, under its real path: a link to it may not be visible inside
  const { command } = facts.tools;
  return { argv, candidates: command === undefined || typed.includes(command) ? typed : [...typed, command] };
};

/** The absolute paths that a command's name may stand for. */
export const planCandidates = (name: string, cwd: string, path: string): string[] =>
  name.includes('/') ? [resolvePath(cwd, name)] : path.split(':').map((folder) => `${folder}/${name}`);
