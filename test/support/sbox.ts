import { join } from 'node:path';
import { builtPackage } from './package-copy.ts';
import { type Ended, type Started, type StartOptions, startProgram } from './start.ts';

export { type Ended, environmentOf, type Started, type StartOptions } from './start.ts';
export { eachUser, identityOf, type User, users } from './users.ts';
export { aWorkspace, type Workspace } from './workspace.ts';

/** The argument vector that starts the built command line. */
export const sboxCommand = (args: readonly string[]): readonly string[] => [
  process.execPath,
  join(builtPackage(), 'bin', 'sbox.js'),
  ...args,
];

/** Starts the built command line: `startSbox(['run', '--', 'id'], aWorkspace(as))`. */
export const startSbox = (args: readonly string[], options: StartOptions): Started =>
  startProgram(sboxCommand(args), options);

/** Runs the built command line to its end: `runSbox(['run', '--', 'id'], { ...aWorkspace(as), stdin: 'x' })`. */
export const runSbox = (args: readonly string[], options: StartOptions): Promise<Ended> =>
  startSbox(args, options).ended;

/** `sbox run OPTIONS -- sh -c SCRIPT`, without notes. */
export const runScript = (script: string, options: StartOptions, flags: readonly string[] = []): Promise<Ended> =>
  runSbox(['run', '-q', ...flags, '--', 'sh', '-c', script], options);

/** The same program without sbox, as the same user in the same place: the positive control. */
export const runOutside = (argv: readonly string[], options: StartOptions): Promise<Ended> =>
  startProgram(argv, options).ended;
