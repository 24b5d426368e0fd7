import { join } from 'node:path';
import { isatty } from 'node:tty';
import { exitCode, SboxError } from '../domain/errors.ts';
import { findPlaces, type Places } from '../session/places.ts';

/** What a command may know of the process that it runs in. */
export interface CliContext extends Places {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** absolute, without links */
  readonly cwd: string;
  /** the folder of sbox's package */
  readonly packageDir: string;
  /** the package's profiles/ */
  readonly shippedProfilesDir: string;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** whether `print` and `complain` go to a terminal that wants colour */
  readonly color: boolean;
  readonly errorColor: boolean;
}

/** The context of this process (throws an SboxError). */
export const openContext = (packageDir: string): CliContext => {
  const { env } = process;
  const wantsColor = (fd: number) => env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb' && isatty(fd);
  return {
    env,
    cwd: findCwd(),
    ...findPlaces(env),
    packageDir,
    shippedProfilesDir: join(packageDir, 'profiles'),
    print: (text) => process.stdout.write(text),
    complain: (text) => process.stderr.write(text),
    color: wantsColor(1),
    errorColor: wantsColor(2),
  };
};

const findCwd = (): string => {
  try {
    return process.cwd();
  } catch (error) {
    throw new SboxError({
      code: 'SBOX_E_WORKSPACE',
      message: `cannot use the current directory: ${(error as NodeJS.ErrnoException).code}`,
      cause: 'it was removed, or one above it is closed to you',
      fix: 'cd to the folder of a project',
      exitCode: exitCode.usage,
    });
  }
};
