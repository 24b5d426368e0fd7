import { exitCode, SboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { Invocation } from '../domain/invocation.ts';
import { variablePattern } from '../domain/names.ts';
import { isWithin } from '../domain/path.ts';
import type { Problem } from '../domain/problem.ts';
import type { Profile } from '../domain/profile.ts';

/** MAX_ARG_STRLEN of the kernel (execve(2)): 32 pages of 4 KiB with the final zero. */
const maxArgumentBytes = 131_071;

/** Refuses what can't be planned at all. Throws an SboxError. */
export const checkInvocation = (profile: Profile, invocation: Invocation, facts: Facts): void => {
  checkWorkspace(invocation, facts);
  checkCommand(profile, invocation, facts);
};

const checkWorkspace = (invocation: Invocation, facts: Facts): void => {
  const { workspace, realHome, stateDir, configDir, codeDir } = facts;
  const refuse = (cause: string, fix: string) => {
    throw new SboxError({
      code: 'SBOX_E_WORKSPACE',
      message: `cannot use "${workspace}" as the workspace`,
      cause,
      fix,
      exitCode: exitCode.usage,
    });
  };
  const elsewhere = 'change to the folder of one project, or name one with --workspace DIR';
  if (workspace === '/') refuse('it is the root: everything would be writable', elsewhere);
  if (isWithin(realHome, workspace)) refuse('it holds the whole HOME', elsewhere);
  if (systemFolders.some((folder) => isWithin(workspace, folder) || isWithin(folder, workspace)))
    refuse('it belongs to the system', elsewhere);
  if (isWithin(codeDir, workspace) && !keepsCode(invocation, facts))
    refuse(
      `sbox's own code lies in it ("${codeDir}"), where the command could change it`,
      'install sbox elsewhere: npm install -g sbox',
    );
  if (isWithin(configDir, workspace) || isWithin(workspace, configDir))
    refuse(`your own profiles lie there ("${configDir}"), where the command could change them`, elsewhere);
  if (isWithin(stateDir, workspace) || isWithin(workspace, stateDir))
    refuse(`sbox's own state lies there ("${stateDir}")`, 'set XDG_STATE_HOME to a folder outside the workspace');
};

/** Whether sbox's own code is a protected path where that is enforced: a mount that stays read-only. */
const keepsCode = ({ rung = 'namespaces' }: Invocation, { capabilities, protectedPaths, codeDir }: Facts): boolean =>
  rung === 'namespaces' &&
  'root' in capabilities.namespaces &&
  protectedPaths.some(({ root, existing }) =>
    existing.some(({ path, kind }) => kind === 'dir' && `${root}/${path}` === codeDir),
  );

const systemFolders = [
  '/usr',
  '/etc',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/proc',
  '/sys',
  '/dev',
  '/boot',
  '/var/lib',
  '/run/current-system',
  '/sbox',
  '/run/user',
];

const checkCommand = (profile: Profile, invocation: Invocation, facts: Facts): void => {
  const problems: Problem[] = [];
  for (const { source, target = '' } of [...profile.mounts, ...invocation.mounts]) {
    if (`${source}${target}`.includes('\0')) problems.push({ message: 'a mount holds a NUL character' });
  }
  for (const name of Object.keys(profile.env.set)) problems.push(...checkVariable(name));
  if (invocation.name !== undefined && !/^[a-z0-9][a-z0-9._-]{0,63}$/.test(invocation.name)) {
    problems.push({
      message: `"${invocation.name}" is not a name for a sandbox`,
      hint: 'use up to 64 of a-z, 0-9, dot, dash and underscore',
    });
  }
  const { command, set, name = '' } = invocation;
  assertTexts({ command, set, cwd: facts.cwd, name }, problems);
};

/** What a command is started with. */
interface Texts {
  readonly command: readonly string[];
  readonly set: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly name?: string;
}

/** Refuses what execve(2) and its kin can't take, with all other problems. Throws an SboxError. */
export const assertTexts = ({ command, set, cwd, name = '' }: Texts, others: readonly Problem[] = []): void => {
  const texts: [string, string][] = [
    ...command.map((text, index): [string, string] => [`argument ${index} of the command`, text]),
    ...Object.entries(set).map(([name, value]): [string, string] => [`the variable ${name}`, `${name}=${value}`]),
    ['the sandbox name', name],
    ['the working directory', cwd],
  ];
  const problems = [
    ...texts.filter(([, text]) => text.includes('\0')).map(([what]) => ({ message: `${what} holds a NUL character` })),
    ...others,
    ...Object.keys(set).flatMap(checkVariable),
    ...(command[0] === '' ? [{ message: 'the command is an empty word', hint: 'put the command behind --' }] : []),
  ];
  if (problems.length > 0) {
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: 'cannot use what was asked for',
      problems,
      exitCode: exitCode.usage,
    });
  }
  const long = texts.find(([, text]) => new TextEncoder().encode(text).length > maxArgumentBytes);
  if (long) {
    throw new SboxError({
      code: 'SBOX_E_NOT_EXECUTABLE',
      message: `cannot execute "${command[0]}": ${long[0]} is longer than ${maxArgumentBytes} bytes`,
      cause: 'the kernel takes no longer one (E2BIG)',
      fix: 'pass it through a file or standard input',
      exitCode: exitCode.notExecutable,
    });
  }
};

const checkVariable = (name: string): Problem[] =>
  variablePattern.test(name)
    ? []
    : [{ message: `"${name}" is not a name for a variable`, hint: 'use letters, digits and underscores' }];
